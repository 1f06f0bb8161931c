import type { ServerEvent } from "../../kernel/sse.ts";
import { BlockWriter } from "../canonical/block-writer.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { ReplyEvent } from "../canonical/reply.ts";
import { isObject } from "../canonical/wire.ts";
import type { ReplyOrigin, StreamDecoder } from "../codec.ts";
import { counter, field, text } from "../counter.ts";
import { failWithoutName } from "./call-item.ts";
import { failureOfError } from "./decode-failure.ts";
import { failureIn, finishOf, notOfThisDialect } from "./decode-reply.ts";
import type { ItemTurn, PartKind, StreamItem } from "./stream-item.ts";
import { createItem } from "./stream-items.ts";
import { responsesTokens } from "./usage.ts";

/*
 * Reads the events of a response, OpenAI's and those of servers that speak its dialect more or less: some give an item another
 * id in every event, some leave out `added` events or deltas, and some name no index. So an item is known by its index, and by
 * its id only where there is none.
 *
 * States: *open* – anything may come. *over* – the last event or an error has come, and what follows is passed over.
 */
export function createStreamDecoder(origin: ReplyOrigin): StreamDecoder {
  return new ResponsesReader(origin);
}

class ResponsesReader implements StreamDecoder {
  readonly #writer = new BlockWriter();
  readonly #provider: string;
  readonly #items = new Map<number | string, StreamItem>();
  readonly #turn: ItemTurn = { last: -1, refused: false };
  /** In the order in which they began. */
  readonly #byType = new Map<string, StreamItem[]>();
  #count = 0;

  constructor({ provider }: ReplyOrigin) {
    this.#provider = provider;
  }

  push({ data }: ServerEvent): readonly ReplyEvent[] {
    if (this.#writer.isOver) return [];
    const event = parsed(data);
    if (event !== undefined) this.#read(event);
    return this.#writer.take();
  }

  end(): readonly ReplyEvent[] {
    this.#writer.fail({ kind: "broken", status: 200, message: "the reply ended before it was over" });
    return this.#writer.take();
  }

  #read(event: JsonObject): void {
    const { type } = event;
    if (typeof type !== "string") return this.#readOther(event);
    const part = deltas.get(type);
    if (part !== undefined) return this.#readDelta(event, part);
    const whole = wholes.get(type);
    if (whole !== undefined) return this.#readWhole(event, whole);
    switch (type) {
      case "response.output_item.added":
        return this.#added(event);
      case "response.output_item.done":
        return this.#done(event);
      case "response.output_text.annotation.added":
        return this.#item(event, "message").annotate(event["annotation"]);
      default:
        return this.#readResponse(event, type);
    }
  }

  /** Events about the response itself. */
  #readResponse(event: JsonObject, type: string): void {
    const response = isObject(event["response"]) ? event["response"] : {};
    switch (type) {
      case "response.created":
      case "response.in_progress":
        return this.#writer.start(text(response, "id"));
      case "response.completed":
        return this.#finish(response, "completed");
      case "response.incomplete":
        return this.#finish(response, "incomplete");
      case "response.failed":
      case "response.cancelled":
        return this.#writer.fail(failureIn({ status: "failed", ...response }) ?? failureOfError(undefined, 500));
      case "error":
        return this.#writer.fail(failureOfError(event["error"] ?? event));
      default: // progress of tools that the provider runs, or news that matter to nobody
    }
  }

  /** Some proxies put an error into a stream as it is, and some another dialect's events. */
  #readOther(event: JsonObject): void {
    if (event["error"] !== undefined && event["error"] !== null)
      return this.#writer.fail(failureOfError(event["error"]));
    if (Array.isArray(event["choices"])) this.#writer.fail(notOfThisDialect(event));
  }

  #readDelta(event: JsonObject, { kind, item, index }: PartEvent): void {
    const said = event["delta"];
    if (typeof said === "string") this.#item(event, item).delta(kind, partIndex(event, index), said);
  }

  #readWhole(event: JsonObject, { kind, item, index, value }: WholeEvent): void {
    const whole = field(event, ...value);
    if (typeof whole === "string") this.#item(event, item).whole(kind, partIndex(event, index), whole);
  }

  #added(event: JsonObject): void {
    const { item } = event;
    if (!isObject(item)) return;
    const key = this.#keyOf(event, item);
    const known = this.#items.get(key);
    const type = text(item, "type") ?? "";
    const isSame = known?.is(type) === true && !known.isDone;
    (isSame ? known : this.#create(key, type)).describe(item);
  }

  #done(event: JsonObject): void {
    const { item } = event;
    if (isObject(item)) this.#item(event, text(item, "type") ?? "", item).end(item);
  }

  /** The item that an event is about; a new one where it was never told of. */
  #item(event: JsonObject, type: string, item?: JsonObject): StreamItem {
    const key = this.#keyOf(event, item);
    const known = this.#items.get(key);
    return known?.is(type) === true ? known : this.#create(key, type);
  }

  #create(key: number | string, type: string): StreamItem {
    const parts = { writer: this.#writer, provider: this.#provider, number: this.#count++, turn: this.#turn };
    const created = createItem(type, parts);
    if (this.#items.get(key)?.isLost === true) failWithoutName(this.#writer);
    this.#items.set(key, created);
    const alike = this.#byType.get(type);
    if (alike === undefined) this.#byType.set(type, [created]);
    else alike.push(created);
    return created;
  }

  #keyOf(event: JsonObject, item: JsonObject | undefined): number | string {
    const index = counter(event, "output_index");
    if (index !== undefined) return index;
    return text(event, "item_id") ?? text(item, "id") ?? "";
  }

  /** The last event repeats everything: what was never streamed is told from it. */
  #finish(response: JsonObject, status: "completed" | "incomplete"): void {
    const failure = failureIn({ ...response, status });
    if (failure !== undefined) return this.#writer.fail(failure);
    const output = Array.isArray(response["output"]) ? response["output"].filter(isObject) : [];
    this.#complete(output);
    if ([...this.#items.values()].some((item) => item.isLost)) failWithoutName(this.#writer);
    if (this.#writer.isOver) return;
    const finish = finishOf({ ...response, status }, []);
    const isRefused = finish.reason === "end" && this.#turn.refused && !this.#writer.hasCalls;
    this.#writer.finish(isRefused ? { reason: "refusal" } : finish, responsesTokens(response["usage"]));
  }

  /** Of each type, the first item of the output is the first that was streamed, and so on: some servers leave items out here. */
  #complete(output: readonly JsonObject[]): void {
    const places = new Map<string, number>();
    for (const [index, item] of output.entries()) {
      const type = text(item, "type") ?? "";
      const place = places.get(type) ?? 0;
      places.set(type, place + 1);
      const known = this.#byType.get(type)?.[place];
      (known ?? this.#create(`output ${index}`, type)).end(item);
    }
  }
}

function parsed(data: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // `[DONE]`, or nothing that can be read
  }
}

interface PartEvent {
  readonly kind: PartKind;
  readonly item: string;
  /** Where the event says which part it is about. */
  readonly index: string;
}

interface WholeEvent extends PartEvent {
  readonly value: readonly string[];
}

const parts = {
  text: { kind: "text", item: "message", index: "content_index" },
  refusal: { kind: "refusal", item: "message", index: "content_index" },
  summary: { kind: "summary", item: "reasoning", index: "summary_index" },
  thought: { kind: "thought", item: "reasoning", index: "content_index" },
  arguments: { kind: "arguments", item: "function_call", index: "" },
  input: { kind: "input", item: "custom_tool_call", index: "" },
} as const satisfies Readonly<Record<string, PartEvent>>;

const deltas: ReadonlyMap<string, PartEvent> = new Map(
  Object.entries<PartEvent>({
    "response.output_text.delta": parts.text,
    "response.refusal.delta": parts.refusal,
    "response.reasoning_summary_text.delta": parts.summary,
    "response.reasoning_text.delta": parts.thought,
    "response.function_call_arguments.delta": parts.arguments,
    "response.custom_tool_call_input.delta": parts.input,
  }),
);

const wholes: ReadonlyMap<string, WholeEvent> = new Map(
  Object.entries<WholeEvent>({
    "response.output_text.done": { ...parts.text, value: ["text"] },
    "response.refusal.done": { ...parts.refusal, value: ["refusal"] },
    "response.reasoning_summary_text.done": { ...parts.summary, value: ["text"] },
    "response.reasoning_summary_part.done": { ...parts.summary, value: ["part", "text"] },
    "response.reasoning_text.done": { ...parts.thought, value: ["text"] },
    "response.function_call_arguments.done": { ...parts.arguments, value: ["arguments"] },
    "response.custom_tool_call_input.done": { ...parts.input, value: ["input"] },
  }),
);

function partIndex(event: JsonObject, name: string): number {
  return counter(event, name) ?? 0;
}
