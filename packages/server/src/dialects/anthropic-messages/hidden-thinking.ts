import type { ReasoningState, ThinkingPart } from "../canonical/conversation.ts";
import type { StateSeal } from "../canonical/state-seal.ts";

/*
 * Reasoning that a caller's client carries for us. A thinking block needs a signature, or the client drops it; ours is the
 * sealed state. Where the caller asked not to see the text, the block is empty, and the text lies in the signature as well:
 * some providers want it back. A block with a text and no state gets a signature that holds nothing.
 */

/** The kind of a state of ours that holds a text and, sealed, the state that belongs to it. */
const hiddenKind = "hidden";
const nothing: ReasoningState = { dialect: "openai-chat", provider: "", data: "" };

export function signatureOf(state: ReasoningState | undefined, seal: StateSeal): string {
  return seal.seal(state ?? nothing);
}

/** The signature of an empty block that stands for this part. */
export function hiddenSignature({ text, state }: ThinkingPart, seal: StateSeal): string {
  if (text === "") return signatureOf(state, seal);
  const data = JSON.stringify([text, state === undefined ? "" : seal.seal(state)]);
  return seal.seal({ dialect: "anthropic-messages", provider: "", data, kind: hiddenKind });
}

/** What such a signature, or the data of a redacted block, stands for; `forged` if it has our mark and is none of ours. */
export function partOf(text: string, signature: string, seal: StateSeal): ThinkingPart | "forged" | undefined {
  const state = seal.open(signature);
  if (state === undefined || state === "forged") return state;
  if (state.dialect === "anthropic-messages" && state.kind === hiddenKind) return revealed(state.data, seal);
  return state.data === "" ? { type: "thinking", text } : { type: "thinking", text, state };
}

/** What verified was written above. */
function revealed(data: string, seal: StateSeal): ThinkingPart {
  const [text, sealed] = JSON.parse(data) as [string, string];
  const state = sealed === "" ? undefined : seal.open(sealed);
  return state === undefined || state === "forged" ? { type: "thinking", text } : { type: "thinking", text, state };
}
