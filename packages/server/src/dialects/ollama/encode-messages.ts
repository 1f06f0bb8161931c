import type {
  AssistantTurn,
  AudioPart,
  Conversation,
  DocumentPart,
  ImagePart,
  JsonObject,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  Turn,
  UserPart,
  UserTurn,
} from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { argumentsObject, present } from "../canonical/wire.ts";
import type { ModelTraits } from "../../kernel/model-traits.ts";

/** What stands between texts that were apart. */
const gap = "\n\n";
const leftOut = "(An image or a document was left out here.)";

/** A conversation as messages: each has one text, and its images beside it. */
export function encodeMessages(
  { system, turns }: Conversation,
  traits: ModelTraits,
  losses: Losses,
): readonly JsonObject[] {
  const writer = new MessageWriter(traits, losses);
  if (system.length > 0) writer.system(textOf(system));
  for (const [index, turn] of turns.entries()) writer.turn(turn, `turns[${index}]`);
  const last = turns.at(-1);
  if (last?.role === "assistant" && !traits.prefill && !last.parts.some((part) => part.type === "tool_call")) {
    writer.goOn(`turns[${turns.length - 1}]`);
  }
  return writer.messages;
}

class MessageWriter {
  readonly messages: JsonObject[] = [];
  readonly #traits: ModelTraits;
  readonly #losses: Losses;
  /** The tool of each call, by the call's id. */
  readonly #tools = new Map<string, string>();

  constructor(traits: ModelTraits, losses: Losses) {
    this.#traits = traits;
    this.#losses = losses;
  }

  system(content: string): void {
    this.messages.push({ role: "system", content });
  }

  turn(turn: Turn, path: string): void {
    if (turn.role === "assistant") return this.#assistant(turn, path);
    if (turn.role === "user") return this.#user(turn, path);
    const content = textOf(turn.parts);
    if (this.#traits.systemTurns) return this.system(content);
    this.#losses.changed(path, "the model takes no instructions between turns; they are told as the user's");
    this.messages.push({ role: "user", content: `[System instruction]\n${content}` });
  }

  goOn(path: string): void {
    this.#losses.changed(path, "the model does not go on with an answer; it is asked to by the user");
    this.messages.push({ role: "user", content: "Continue." });
  }

  #user({ parts }: UserTurn, path: string): void {
    const results = parts.filter((part) => part.type === "tool_result");
    for (const result of results) this.#result(result, path);
    const rest = parts.filter((part) => part.type !== "tool_result");
    if (rest.length > 0) this.messages.push({ role: "user", ...this.#content(rest, path) });
  }

  #result({ callId, parts, isError }: ToolResultPart, path: string): void {
    const { content, images } = this.#content(parts, path);
    const text = isError && !/^error\b/i.test(content) ? `Error: ${content}` : content;
    const tool = { role: "tool", content: text, images, tool_name: this.#tools.get(callId), tool_call_id: callId };
    this.messages.push(present(tool));
  }

  #assistant({ parts }: AssistantTurn, path: string): void {
    const calls = parts.filter((part) => part.type === "tool_call");
    for (const call of calls) this.#tools.set(call.id, call.name);
    const firstCall = parts.findIndex((part) => part.type === "tool_call");
    if (firstCall >= 0 && parts.slice(firstCall).some((part) => part.type === "text" || part.type === "refusal")) {
      this.#losses.changed(path, "what was said behind a tool call is told before it");
    }
    for (const part of parts) this.#notice(part, path);
    const thinking = parts.flatMap((part) => (part.type === "thinking" && part.text !== "" ? part.text : []));
    const message = {
      role: "assistant",
      content: spokenText(parts),
      thinking: this.#traits.thinking !== "none" && thinking.length > 0 ? thinking.join(gap) : undefined,
      tool_calls: calls.length > 0 ? calls.map((call, index) => this.#call(call, index, path)) : undefined,
    };
    if (message.content !== "" || message.thinking !== undefined || calls.length > 0) {
      this.messages.push(present(message));
    }
  }

  #notice(part: AssistantTurn["parts"][number], path: string): void {
    if (part.type === "refusal") this.#losses.changed(`${path}.refusal`, "it is told as text");
    if (part.type === "text" && part.citations !== undefined)
      this.#losses.dropped(`${path}.citations`, "messages have no room for them");
  }

  #call({ id, name, arguments: text }: ToolCallPart, index: number, path: string): JsonObject {
    const object = argumentsObject(text);
    if (object === undefined) this.#losses.changed(`${path}.tool_call`, "its arguments are no JSON object");
    return { id, function: { index, name, arguments: object ?? { _raw: text } } };
  }

  /** The text of a message and the images beside it. */
  #content(parts: readonly Exclude<UserPart, ToolResultPart>[], path: string): Content {
    const texts: string[] = [];
    const images: string[] = [];
    for (const part of parts) {
      if (part.type === "text") texts.push(part.text);
      else if (part.type === "image") images.push(...this.#image(part, path));
      else texts.push(...this.#file(part, path));
    }
    const isLost = parts.length > 0 && texts.length === 0 && images.length === 0;
    const content = isLost ? leftOut : texts.join(gap);
    return images.length === 0 ? { content } : { content, images };
  }

  #image({ source }: ImagePart, path: string): readonly string[] {
    if (!this.#traits.images) this.#losses.dropped(`${path}.image`, "the model sees no images");
    else if (source.kind === "base64") return [source.data];
    else this.#losses.dropped(`${path}.image`, "Ollama takes no addresses of images; send the image itself, in base64");
    return [];
  }

  #file(part: DocumentPart | AudioPart, path: string): readonly string[] {
    if (part.type === "audio") {
      this.#losses.dropped(`${path}.audio`, "Ollama takes no audio");
      return [];
    }
    const text = documentText(part);
    if (text === undefined) {
      this.#losses.dropped(`${path}.document`, "Ollama takes no documents but text; send what it says as text");
      return [];
    }
    return [part.name === undefined ? text : `${part.name}:\n${text}`];
  }
}

interface Content {
  readonly content: string;
  readonly images?: readonly string[];
}

function documentText({ source }: DocumentPart): string | undefined {
  if (source.kind === "text") return source.text;
  const isText = source.kind === "base64" && source.mediaType.startsWith("text/");
  return isText ? Buffer.from(source.data, "base64").toString("utf8") : undefined;
}

function textOf(parts: readonly TextPart[]): string {
  return parts.map((part) => part.text).join(gap);
}

/** Texts that follow each other are one text that was cut somewhere. */
function spokenText(parts: AssistantTurn["parts"]): string {
  let text = "";
  let before: AssistantTurn["parts"][number]["type"] | undefined;
  for (const part of parts) {
    if (part.type === "text" || part.type === "refusal") {
      const isApart = text !== "" && (before !== "text" || part.type !== "text");
      text += isApart ? gap + part.text : part.text;
    }
    before = part.type;
  }
  return text;
}
