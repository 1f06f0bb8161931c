import { AppError } from "../../kernel/errors.ts";
import { createNdjsonReader } from "../../kernel/lines.ts";
import { createSseReader, type ServerEvent } from "../../kernel/sse.ts";
import { Collector, eventsOf, isFailure } from "../canonical/collect.ts";
import type { JsonObject, ReasoningState, ThinkingPart, Tool } from "../canonical/conversation.ts";
import { ToolRaiser } from "../canonical/raise-tools.ts";
import type { Finish, Reply, ReplyEvent, UpstreamFailure } from "../canonical/reply.ts";
import { isObject } from "../canonical/wire.ts";
import type { ReplyContext, ReplyOrigin, StreamDecoder, StreamEncoder } from "../codec.ts";
import { codecById } from "../codecs.ts";
import type { DialectId, Failure } from "../dialect.ts";
import type { StreamTranslator } from "./reply-translator.ts";

export interface ReplyTranslationOptions {
  /** The dialect of the provider. */
  readonly from: DialectId;
  /** The caller's. */
  readonly to: DialectId;
  readonly origin: ReplyOrigin;
  readonly context: ReplyContext;
  readonly changedTools: ReadonlyMap<string, Tool>;
  /** Is told what was thought before a call, where the caller's client cannot carry it. */
  readonly remember: ((callId: string, thoughts: readonly ThinkingPart[]) => void) | undefined;
}

/** One event of a stream may be as large as what is held of a whole reply. */
const mostEventBytes = 4 * 1024 * 1024;

/**
 * A provider's reply on its way into the caller's dialect.
 *
 * Streamed to a caller that wants a stream: `push` each chunk, then `end`. In any other pairing the reply is gathered first, and
 * `whole` or `wholeAsStream` makes of it what the caller asked for. Once `failure` is set, nothing more comes: a stream goes on
 * with `fail`.
 */
export class ReplyTranslation implements StreamTranslator {
  readonly #options: ReplyTranslationOptions;
  readonly #raiser: ToolRaiser;
  #stream: { readonly read: EventReader; readonly decoder: StreamDecoder } | undefined;
  #encoder: StreamEncoder | undefined;
  #failure: UpstreamFailure | undefined;
  readonly #thoughts: ThinkingPart[] = [];
  /** The text of the thinking block that is open. */
  #thought: string | undefined;

  constructor(options: ReplyTranslationOptions) {
    this.#options = options;
    this.#raiser = new ToolRaiser(options.changedTools, options.origin.requestId);
  }

  get failure(): UpstreamFailure | undefined {
    return this.#failure;
  }

  get contentType(): string {
    return contentTypes[this.#options.context.framing];
  }

  /** What the caller gets for this chunk, if anything. Throws what a framing reader throws. */
  push(chunk: Buffer): string {
    const { read, decoder } = this.#upstream();
    let text = "";
    for (const event of read.push(chunk)) text += this.#write(decoder.push(event));
    return text;
  }

  end(): string {
    const { read, decoder } = this.#upstream();
    let text = "";
    for (const event of read.end()) text += this.#write(decoder.push(event));
    return text + this.#write(decoder.end());
  }

  ping(): string {
    return this.#failure === undefined ? this.#writer().ping() : "";
  }

  /** How the caller's stream says that it fails here. */
  fail(failure: Failure): string {
    return this.#writer().fail(failure);
  }

  /** A reply that was gathered, in the caller's dialect; undefined if it is a failure. `streamed` tells how it came. Throws what `encodeReply` throws. */
  whole(bytes: Buffer, streamed: boolean): string | undefined {
    const reply = this.#checked(streamed ? this.#collected(bytes) : this.#decoded(bytes));
    if (isFailure(reply)) {
      this.#failure = reply;
      return undefined;
    }
    const { to, context } = this.#options;
    for (const part of reply.parts) this.#notePart(part);
    return JSON.stringify(codecById(to).encodeReply(reply, context));
  }

  /** The same of one that did not come as a stream, as the stream that was asked for. */
  wholeAsStream(bytes: Buffer): string | undefined {
    const reply = this.#decoded(bytes);
    if (isFailure(reply)) {
      this.#failure = reply;
      return undefined;
    }
    const text = this.#encode(eventsOf(reply));
    return this.#failure === undefined ? text : undefined;
  }

  #decoded(bytes: Buffer): Reply | UpstreamFailure {
    const { from, origin } = this.#options;
    const body = parseObject(bytes);
    if (body === undefined) return { kind: "broken", status: 200, message: "the reply is no JSON object" };
    return this.#raiser.reply(codecById(from).decodeReply(body, origin));
  }

  #collected(bytes: Buffer): Reply | UpstreamFailure {
    const { read, decoder } = this.#upstream();
    const collector = new Collector();
    const collect = (events: readonly ReplyEvent[]): void => {
      for (const event of events) for (const raised of this.#raiser.event(event)) collector.push(raised);
    };
    for (const event of [...read.push(bytes), ...read.end()]) collect(decoder.push(event));
    collect(decoder.end());
    return collector.end ?? { kind: "broken", status: 200, message: "the reply has no end" };
  }

  #write(events: readonly ReplyEvent[]): string {
    let text = "";
    for (const event of events) {
      if (this.#failure !== undefined) return text;
      text += this.#encode(this.#raiser.event(event));
    }
    return text;
  }

  #encode(events: readonly ReplyEvent[]): string {
    const writer = this.#writer();
    let text = "";
    for (const event of events) {
      const failure = event.type === "failure" ? event.failure : this.#unfit(event);
      if (failure !== undefined) {
        this.#failure = failure;
        return text;
      }
      if (this.#options.remember !== undefined) this.#note(event);
      try {
        text += writer.push(event);
      } catch (thrown) {
        if (!(thrown instanceof AppError)) throw thrown;
        this.#failure = { kind: "broken", status: 200, message: thrown.message };
        return text;
      }
    }
    return text;
  }

  #checked(reply: Reply | UpstreamFailure): Reply | UpstreamFailure {
    return isFailure(reply) ? reply : (malformedCall(reply.finish, this.#options.to) ?? reply);
  }

  #unfit(event: ReplyEvent): UpstreamFailure | undefined {
    return event.type === "finish" ? malformedCall(event.finish, this.#options.to) : undefined;
  }

  #note(event: ReplyEvent): void {
    if (event.type === "block_delta" && this.#thought !== undefined) this.#thought += event.text;
    if (event.type === "block_end") this.#noteThought(event.state);
    if (event.type !== "block_start") return;
    if (event.block.type === "thinking") this.#thought = "";
    if (event.block.type === "tool_call") this.#given(event.block.id);
  }

  #noteThought(state: ReasoningState | undefined): void {
    const text = this.#thought;
    if (text !== undefined) this.#notePart({ type: "thinking", text, ...(state !== undefined && { state }) });
    this.#thought = undefined;
  }

  #notePart(part: Reply["parts"][number]): void {
    if (part.type === "thinking" && (part.text !== "" || part.state !== undefined)) this.#thoughts.push(part);
    if (part.type === "tool_call") this.#given(part.id);
  }

  #given(callId: string): void {
    if (this.#thoughts.length > 0) this.#options.remember?.(callId, this.#thoughts.splice(0));
  }

  #upstream(): { readonly read: EventReader; readonly decoder: StreamDecoder } {
    const { from, origin } = this.#options;
    const codec = codecById(from);
    this.#stream ??= { read: eventReader(codec.upstreamFraming), decoder: codec.createStreamDecoder(origin) };
    return this.#stream;
  }

  #writer(): StreamEncoder {
    const { to, context } = this.#options;
    this.#encoder ??= codecById(to).createStreamEncoder(context);
    return this.#encoder;
  }
}

/**
 * A call that could not be read is told to clients of Gemini, who ask again by themselves. To others a reply without it would look
 * like an answer.
 */
function malformedCall({ reason, detail }: Finish, to: DialectId): UpstreamFailure | undefined {
  if (reason !== "malformed_call" || to === "gemini") return undefined;
  return { kind: "overloaded", status: 200, message: detail ?? "the model made a call of a tool that cannot be read" };
}

const contentTypes = {
  sse: "text/event-stream; charset=utf-8",
  ndjson: "application/x-ndjson",
  "json-array": "application/json",
} as const;

interface EventReader {
  push(chunk: Buffer): readonly ServerEvent[];
  end(): readonly ServerEvent[];
}

function eventReader(framing: "sse" | "ndjson"): EventReader {
  if (framing === "sse") return createSseReader(mostEventBytes);
  const lines = createNdjsonReader(mostEventBytes);
  const asEvents = (found: readonly Buffer[]): readonly ServerEvent[] =>
    found.map((line) => ({ name: "message", data: line.toString("utf8") }));
  return { push: (chunk) => asEvents(lines.push(chunk)), end: () => asEvents(lines.end()) };
}

/** What an error answer to a conversation says. */
export function refusalOf(from: DialectId, status: number, bytes: Buffer): UpstreamFailure {
  return codecById(from).decodeFailure(status, parseObject(bytes));
}

function parseObject(bytes: Buffer): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
