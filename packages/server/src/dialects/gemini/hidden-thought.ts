import type { ReasoningState, ThinkingPart } from "../canonical/conversation.ts";
import type { StateSeal } from "../canonical/state-seal.ts";

/*
 * Reasoning of other providers in the signature of a part, which Google's clients send back with it. They do not send back the
 * thoughts themselves, and some providers want those too, so the text is sealed with the state.
 */

/** What Google documents for calls of which nobody has the signature; it costs some quality, so it is sent only where it must be. */
export const waiver = "skip_thought_signature_validator";
const waivers: ReadonlySet<string> = new Set([waiver, "context_engineering_is_the_way_to_go"]);

/** The kind of a state of ours that holds a text and, sealed, the state that belongs to it. */
const hiddenKind = "hidden";

export function signatureOf({ text, state }: ThinkingPart, seal: StateSeal): string | undefined {
  if (text === "") return state === undefined ? undefined : seal.seal(state);
  const data = JSON.stringify([text, state === undefined ? "" : seal.seal(state)]);
  return seal.seal({ dialect: "gemini", provider: "", data, kind: hiddenKind });
}

/**
 * What a signature says that a caller sent back: `forged` if it has our mark and is none of ours; a state without a mark is
 * Google's own. `kind` tells what the signed part was.
 */
export function thoughtIn(
  signature: string,
  kind: "call" | "text" | "thought",
  seal: StateSeal,
): ThinkingPart | "forged" {
  if (waivers.has(signature)) return { type: "thinking", text: "" };
  const state = seal.open(signature);
  if (state === "forged") return state;
  if (state === undefined) {
    return { type: "thinking", text: "", state: { dialect: "gemini", provider: "", data: signature, kind } };
  }
  if (state.dialect === "gemini" && state.kind === hiddenKind) return revealed(state, seal);
  return state.data === "" ? { type: "thinking", text: "" } : { type: "thinking", text: "", state };
}

/** What verified was written above. */
function revealed({ data }: ReasoningState, seal: StateSeal): ThinkingPart {
  const [text, sealed] = JSON.parse(data) as [string, string];
  const state = sealed === "" ? undefined : seal.open(sealed);
  return state === undefined || state === "forged" ? { type: "thinking", text } : { type: "thinking", text, state };
}
