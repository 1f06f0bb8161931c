import { AppError } from "../../kernel/errors.ts";
import type {
  AssistantPart,
  ImagePart,
  JsonObject,
  SystemTurn,
  TextPart,
  ToolCallPart,
  ToolResultPart,
  Turn,
} from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { base64At, sourceOfUrl } from "../canonical/media.ts";
import { invalid, isObject, listAt, objectAt, optionalList, optionalText, textAt } from "../canonical/wire.ts";

export interface Exchange {
  readonly system: readonly TextPart[];
  readonly turns: readonly Turn[];
}

/** Messages: what the system says before the first of the others stands apart. */
export function decodeMessages(value: unknown, losses: Losses): Exchange {
  if (value === undefined || value === null) throw new AppError("missing_field", { field: "messages" });
  const calls = new OpenCalls();
  const turns = listAt(value, "messages").map((message, index) => {
    return decodeMessage(objectAt(message, `messages[${index}]`), index, calls, losses);
  });
  const behind = turns.findIndex((turn) => turn.role !== "system");
  const leading = turns.slice(0, behind < 0 ? turns.length : behind) as readonly SystemTurn[];
  return { system: leading.flatMap((turn) => turn.parts), turns: turns.slice(leading.length) };
}

function decodeMessage(message: JsonObject, index: number, calls: OpenCalls, losses: Losses): Turn {
  const path = `messages[${index}]`;
  const role = textAt(message["role"], `${path}.role`);
  if (role === "assistant") return { role, parts: assistantParts(message, index, calls, losses) };
  if (role === "tool") return { role: "user", parts: [toolResult(message, index, calls)] };
  const text = textParts(message["content"], `${path}.content`);
  if (role === "user") return { role, parts: [...imageParts(message["images"], `${path}.images`), ...text] };
  if (role === "system" || role === "developer") return { role: "system", parts: text };
  throw invalid(`${path}.role`, 'must be "system", "user", "assistant" or "tool"');
}

function textParts(value: unknown, path: string): readonly TextPart[] {
  const text = optionalText(value, path) ?? "";
  return text === "" ? [] : [{ type: "text", text }];
}

function assistantParts(
  message: JsonObject,
  index: number,
  calls: OpenCalls,
  losses: Losses,
): readonly AssistantPart[] {
  const path = `messages[${index}]`;
  const thinking = optionalText(message["thinking"], `${path}.thinking`) ?? "";
  if (optionalList(message["images"], `${path}.images`).length > 0) {
    losses.dropped(`${path}.images`, "an answer that is gone on with has no images");
  }
  const called = optionalList(message["tool_calls"], `${path}.tool_calls`).map((call, at) =>
    toolCall(objectAt(call, `${path}.tool_calls[${at}]`), `${path}.tool_calls[${at}]`, `call_${index}_${at}`),
  );
  calls.open(called);
  return [
    ...(thinking === "" ? [] : [{ type: "thinking" as const, text: thinking }]),
    ...textParts(message["content"], `${path}.content`),
    ...called,
  ];
}

/** One without an id gets one by its place, which is the same in every turn. */
function toolCall(call: JsonObject, path: string, placeId: string): ToolCallPart {
  const called = objectAt(call["function"], `${path}.function`);
  const name = textAt(called["name"], `${path}.function.name`);
  const id = optionalText(call["id"], `${path}.id`) ?? "";
  const written = called["arguments"];
  if (written !== undefined && written !== null && typeof written !== "string" && !isObject(written)) {
    throw invalid(`${path}.function.arguments`, "must be an object");
  }
  return {
    type: "tool_call",
    id: id === "" ? placeId : id,
    name,
    kind: "function",
    arguments: typeof written === "string" ? written : JSON.stringify(written ?? {}),
  };
}

function toolResult(message: JsonObject, index: number, calls: OpenCalls): ToolResultPart {
  const path = `messages[${index}]`;
  const id = optionalText(message["tool_call_id"], `${path}.tool_call_id`) ?? "";
  const name = optionalText(message["tool_name"] ?? message["name"], `${path}.tool_name`) ?? "";
  const text = textParts(message["content"], `${path}.content`);
  const images = imageParts(message["images"], `${path}.images`);
  const callId = calls.take(id, name) ?? (id === "" ? `no_call_${index}` : id);
  return { type: "tool_result", callId, kind: "function", parts: [...text, ...images], isError: false };
}

/** The calls of the last answer that have no result yet. */
class OpenCalls {
  #all: OpenQueue = [].values();
  #byId: ReadonlyMap<string, OpenQueue> = new Map();
  #byName: ReadonlyMap<string, OpenQueue> = new Map();
  readonly #taken = new Set<ToolCallPart>();

  open(calls: readonly ToolCallPart[]): void {
    this.#all = calls.values();
    this.#byId = queuesBy(calls, ({ id }) => id);
    this.#byName = queuesBy(calls, ({ name }) => name);
    this.#taken.clear();
  }

  /** Which of them a result is for: the one with that id, else the first of that tool, else the first. */
  take(id: string, name: string): string | undefined {
    const queues = [this.#byId.get(id), this.#byName.get(name), this.#all];
    for (const queue of queues) {
      const found = this.#next(queue);
      if (found !== undefined) return found.id;
    }
    return undefined;
  }

  /** What was taken from another queue is passed over, and never looked at again: a turn may have very many. */
  #next(queue: OpenQueue | undefined): ToolCallPart | undefined {
    let next = queue?.next().value;
    while (next !== undefined && this.#taken.has(next)) next = queue?.next().value;
    if (next !== undefined) this.#taken.add(next);
    return next;
  }
}

type OpenQueue = Iterator<ToolCallPart, undefined>;

function queuesBy(
  calls: readonly ToolCallPart[],
  keyOf: (call: ToolCallPart) => string,
): ReadonlyMap<string, OpenQueue> {
  return new Map([...Map.groupBy(calls, keyOf)].map(([key, group]) => [key, group.values()]));
}

/** Plain base64, of which the type is told by its first bytes; other clients send `data:` URLs and addresses, too. */
export function imageParts(value: unknown, path: string): readonly ImagePart[] {
  return optionalList(value, path).map((item, index) => {
    const at = `${path}[${index}]`;
    const text = textAt(item, at);
    if (/^(?:data:|https?:)/i.test(text.slice(0, 6))) return { type: "image", source: sourceOfUrl(text, at) };
    const data = base64At(text, at);
    return { type: "image", source: { kind: "base64", mediaType: imageType(data, at), data } };
  });
}

function imageType(data: string, path: string): string {
  const head = Buffer.from(data.slice(0, 16), "base64").toString("latin1");
  if (head.startsWith("\u00ff\u00d8\u00ff")) return "image/jpeg";
  if (head.startsWith("\u0089PNG")) return "image/png";
  if (head.startsWith("GIF8")) return "image/gif";
  if (head.startsWith("RIFF") && head.endsWith("WEBP")) return "image/webp";
  throw invalid(path, "must be a JPEG, PNG, GIF or WebP image in base64");
}
