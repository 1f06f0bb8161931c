import type { AssistantPart, JsonObject, ThinkingPart } from "../canonical/conversation.ts";
import { invalid, objectAt, optionalObject, optionalText, textAt } from "../canonical/wire.ts";
import type { ContentContext } from "./decode-contents.ts";
import { camelNames } from "./field-names.ts";
import { thoughtIn } from "./hidden-thought.ts";
import { renditionOf } from "./server-parts.ts";

/** A turn of the model's as far as it was read. */
export interface ModelContext extends ContentContext {
  readonly parts: AssistantPart[];
  calledHere: number;
}

/** Appends what the part says; its signature stands in a thought before it. */
export function decodeModelPart(value: unknown, path: string, context: ModelContext): void {
  const { losses } = context;
  const part = camelNames(objectAt(value, path));
  const signature = optionalText(part["thoughtSignature"], `${path}.thoughtSignature`) ?? "";
  const text = optionalText(part["text"], `${path}.text`);
  if (part["functionResponse"] !== undefined)
    throw invalid(`${path}.functionResponse`, "belongs to a content of the role `user`");
  if (part["thought"] === true) return decodeThought(text ?? "", signature, path, context);
  const call = optionalObject(part["functionCall"], `${path}.functionCall`);
  if (signature !== "") sign(signature, call === undefined ? "text" : "call", path, context);
  if (call !== undefined) return decodeCall(camelNames(call), `${path}.functionCall`, context);
  const said = text ?? renditionOf(part);
  if (said === undefined) losses.dropped(path, `a part with ${contentNames(part)} cannot be told to others`);
  else if (text === undefined) losses.changed(path, "what was run is told as text");
  if (said !== undefined && said !== "") decodeText(said, context);
}

function decodeText(text: string, { parts, before }: ModelContext): void {
  const last = parts.at(-1);
  if (before !== undefined && last?.type === "text")
    parts[parts.length - 1] = { ...last, text: last.text + text }; // it came in pieces
  else parts.push({ type: "text", text });
}

function contentNames(part: JsonObject): string {
  return (
    Object.keys(part)
      .filter((name) => name !== "thoughtSignature")
      .join(", ") || "nothing"
  );
}

function decodeThought(text: string, signature: string, path: string, context: ModelContext): void {
  const { parts } = context;
  const last = parts.at(-1);
  if (last?.type === "thinking" && last.state === undefined)
    parts[parts.length - 1] = { type: "thinking", text: last.text + text }; // it came in pieces
  else if (text !== "") parts.push({ type: "thinking", text });
  if (signature !== "") sign(signature, "thought", path, context);
}

/** The state belongs to the thought just before, if that has none of its own; and so does the text that is sealed with it. */
function sign(
  signature: string,
  kind: "call" | "text" | "thought",
  path: string,
  { parts, seal, losses }: ModelContext,
): void {
  const thought = thoughtIn(signature, kind, seal);
  if (thought === "forged") return losses.dropped(`${path}.thoughtSignature`, "it is not as this gateway gave it");
  const last = parts.at(-1);
  if (last?.type === "thinking" && last.state === undefined)
    parts[parts.length - 1] = { ...thought, text: thought.text === "" ? last.text : thought.text };
  else if (!isEmpty(thought)) parts.push(thought);
}

function isEmpty({ text, state }: ThinkingPart): boolean {
  return text === "" && state === undefined;
}

function decodeCall(call: JsonObject, path: string, context: ModelContext): void {
  const { calls, parts, turn } = context;
  const name = textAt(call["name"], `${path}.name`);
  if (name === "") throw invalid(`${path}.name`, "must not be empty");
  const given = optionalText(call["id"], `${path}.id`) ?? "";
  const id = calls.call(turn, context.calledHere++, name, given);
  const text = JSON.stringify(optionalObject(call["args"], `${path}.args`) ?? {});
  parts.push({ type: "tool_call", id, name, kind: "function", arguments: text });
}
