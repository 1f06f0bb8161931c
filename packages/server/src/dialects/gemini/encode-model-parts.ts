import type {
  AssistantPart,
  JsonObject,
  ReasoningState,
  RefusalPart,
  TextPart,
  ThinkingPart,
  ToolCallPart,
} from "../canonical/conversation.ts";
import { isStateOf } from "../canonical/state-seal.ts";
import { argumentsObject, present } from "../canonical/wire.ts";
import type { TurnContext } from "./encode-contents.ts";
import { waiver } from "./hidden-thought.ts";

type NativeThought = ThinkingPart & { readonly state: ReasoningState };

/** Whether the thought has a state that this provider made, or may have. */
export function isSignedBy(part: ThinkingPart, provider: string): part is NativeThought {
  const { state } = part;
  return state !== undefined && state.data !== "" && isStateOf(state, "gemini", provider);
}

/**
 * The parts of one turn. A signature stands on the part that it came with, which follows its thought; where nothing follows, on
 * an empty text. Thoughts of others are left out.
 */
export function encodeModelParts(parts: readonly AssistantPart[], context: TurnContext): JsonObject[] {
  const out: JsonObject[] = [];
  let signature: string | undefined;
  const signedPart = (part: JsonObject): void => {
    out.push(signature === undefined ? part : { ...part, thoughtSignature: signature });
    signature = undefined;
  };
  for (const part of parts) {
    if (part.type !== "thinking") {
      if (part.type === "tool_call") signedPart({ functionCall: callOf(part, context) });
      else {
        noticeText(part, context);
        signedPart({ text: part.text });
      }
    } else if (isSignedBy(part, context.target.provider)) {
      if (signature !== undefined) signedPart({ text: "" });
      const { text, state } = part;
      if (state.kind === "thought") out.push({ text, thought: true, thoughtSignature: state.data });
      else if (text !== "") out.push({ text, thought: true });
      if (state.kind !== "thought") signature = state.data;
    }
  }
  if (signature !== undefined) signedPart({ text: "" });
  return context.wantsSignature ? withWaiver(out) : out;
}

function noticeText(part: TextPart | RefusalPart, { losses, path }: TurnContext): void {
  if (part.type === "refusal") losses.changed(`${path}.refusal`, "it is told as text");
  else if (part.citations !== undefined) losses.dropped(`${path}.citations`, "the model is not told them");
}

/** Of calls made together Google signs the first only; so where that one is signed, all are. */
function withWaiver(parts: JsonObject[]): JsonObject[] {
  const first = parts.find((part) => part["functionCall"] !== undefined);
  if (first === undefined || first["thoughtSignature"] !== undefined) return parts;
  return parts.map((part) => (part === first ? { ...part, thoughtSignature: waiver } : part));
}

function callOf(call: ToolCallPart, { calls, losses, path }: TurnContext): JsonObject {
  const { id, name, arguments: text } = call;
  const args = argumentsObject(text);
  if (args === undefined)
    losses.changed(`${path}.tool_call`, "its arguments are no JSON object; they are told as text");
  return present({ id: calls.told(id), name, args: args ?? { _raw: text } });
}
