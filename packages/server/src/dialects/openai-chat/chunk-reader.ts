import type { TokenUsage } from "../../kernel/tokens.ts";
import { BlockWriter } from "../canonical/block-writer.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { Finish, ReplyEvent, UpstreamFailure } from "../canonical/reply.ts";
import { isObject } from "../canonical/wire.ts";
import { text } from "../counter.ts";
import type { ReplyOrigin } from "../codec.ts";
import { CallPieces } from "./call-pieces.ts";
import { citationsOf } from "./citations.ts";
import { piecesOfContent } from "./content-pieces.ts";
import { failureIn } from "./decode-failure.ts";
import { decodeFinish } from "./finish.ts";
import { DetailsCollector, textOfDetails } from "./reasoning-details.ts";
import { chatTokens } from "./usage.ts";

/*
 * Makes reply events of chunks, or of a whole reply, which is a chunk with all in it.
 *
 * States: *reading* – no reason to finish was given. *finishing* – one was: what still comes (counts, a repeated call, a last
 * piece) is taken, until the mark of the end or the end of the stream. *over* – finished or failed; the rest is passed over.
 */
export class ChunkReader {
  readonly #writer = new BlockWriter();
  readonly #calls: CallPieces;
  #details = new DetailsCollector();
  readonly #provider: string;
  #finish: Finish | undefined;
  #usage: TokenUsage | undefined;
  #refused = false;
  /** Whether thoughts come in a field of their own. */
  #hasThoughtField = false;
  /** Whether there are details that the provider wants back, and that no state was made of yet. */
  #hasDetails = false;

  constructor({ provider }: ReplyOrigin, areWhole: boolean) {
    this.#provider = provider;
    this.#calls = new CallPieces(this.#writer, provider, areWhole);
  }

  take(): readonly ReplyEvent[] {
    return this.#writer.take();
  }

  push(chunk: unknown): void {
    if (!isObject(chunk)) return this.#break("the stream holds what is no object");
    const failure = failureIn(chunk) ?? foreign(chunk);
    if (failure !== undefined) return this.#writer.fail(failure);
    const { choices } = chunk;
    const choice: unknown = Array.isArray(choices) ? choices[0] : undefined;
    const id = text(chunk, "id");
    if (id !== undefined) this.#writer.start(id);
    if (isObject(choice)) this.#readChoice(choice);
    this.#usage =
      chatTokens(chunk["usage"]) ?? chatTokens(objectIn(chunk, "x_groq")?.["usage"]) ?? usageIn(choice) ?? this.#usage;
  }

  /** The mark behind the last chunk. */
  done(): void {
    if (this.#finish === undefined && this.#writer.isEmpty) return this.#break("the reply is empty");
    this.#end(this.#finish ?? { reason: this.#refused ? "refusal" : "end" });
  }

  /** The stream is over, with the mark or without. */
  end(): void {
    if (this.#finish === undefined) return this.#break("the stream ended before the reply did");
    this.#end(this.#finish);
  }

  #break(message: string): void {
    this.#writer.fail({ kind: "broken", status: 200, message });
  }

  #end(finish: Finish): void {
    if (this.#writer.isOver) return;
    if (this.#hasDetails) this.#endThought();
    this.#writer.finish(finish, this.#usage);
  }

  /** MiniMax repeats all that was said in a `message` at the end, others send nothing but one. */
  #readChoice(choice: JsonObject): void {
    const failure = failureIn(choice);
    if (failure !== undefined) return this.#writer.fail(failure);
    const { delta, message } = choice;
    if (isObject(delta)) this.#readDelta(delta);
    else if (isObject(message) && this.#writer.isEmpty) this.#readDelta(message);
    const word = text(choice, "finish_reason");
    if (word === undefined) return;
    const finish = decodeFinish(word, this.#refused);
    if ("kind" in finish) this.#writer.fail(finish);
    else this.#finish = finish;
  }

  /** A chunk may hold everything at once; it is said in the order in which models say it. */
  #readDelta(delta: JsonObject): void {
    this.#readThought(delta);
    if (this.#hasDetails && !this.#writer.hasCalls && saysMore(delta)) this.#endThought();
    this.#readSaid(delta);
    const { tool_calls: calls, function_call: old } = delta;
    if (Array.isArray(calls)) for (const call of calls) this.#calls.push(call);
    if (old !== undefined) this.#calls.pushOld(old);
  }

  #readSaid({ content, refusal, annotations }: JsonObject): void {
    if (typeof content === "string") this.#writer.text(content);
    else if (content !== null && content !== undefined) this.#readPieces(content);
    if (typeof refusal === "string") this.#refuse(refusal);
    if (annotations === undefined) return;
    for (const citation of citationsOf(annotations) ?? []) this.#writer.cite(citation);
  }

  #readPieces(content: unknown): void {
    for (const { kind, text: piece } of piecesOfContent(content)) {
      if (kind === "thinking") this.#writer.thinking(piece);
      else if (kind === "refusal") this.#refuse(piece);
      else this.#writer.text(piece);
    }
  }

  /** Where several fields say it, they all say the same; the details may say it once more when all is said. */
  #readThought(delta: JsonObject): void {
    const details = delta["reasoning_details"];
    const entries = Array.isArray(details) ? details.filter(isObject) : [];
    for (const entry of entries) this.#details.push(entry);
    if (entries.length > 0) this.#hasDetails = true;
    const piece = text(delta, "reasoning_content") ?? text(delta, "reasoning");
    if (piece !== undefined) this.#hasThoughtField = true;
    this.#writer.thinking(piece ?? (this.#hasThoughtField ? "" : textOfDetails(entries)));
  }

  #refuse(piece: string): void {
    if (piece === "") return;
    this.#refused = true;
    this.#writer.refusal(piece);
  }

  /**
   * What the provider wants back is a state of what was thought so far. Beside calls it waits for the end of the reply: it would
   * end a call of which there may be more.
   */
  #endThought(): void {
    const { data } = this.#details;
    this.#hasDetails = false;
    this.#details = new DetailsCollector();
    if (data === undefined) return;
    this.#writer.state({ dialect: "openai-chat", provider: this.#provider, data, kind: "details" });
  }
}

/** Whether something is said behind what was thought. */
function saysMore({ content, refusal, tool_calls: calls }: JsonObject): boolean {
  const isSaid = Array.isArray(content) ? content.length > 0 : typeof content === "string" && content !== "";
  return isSaid || (Array.isArray(calls) && calls.length > 0) || (typeof refusal === "string" && refusal !== "");
}

function objectIn(holder: JsonObject, key: string): JsonObject | undefined {
  const value = holder[key];
  return isObject(value) ? value : undefined;
}

/** Moonshot's place for it. */
function usageIn(choice: unknown): TokenUsage | undefined {
  return isObject(choice) ? chatTokens(choice["usage"]) : undefined;
}

/** A reply in another dialect, which says that the provider's endpoint is not the one that it is taken for. */
function foreign(chunk: JsonObject): UpstreamFailure | undefined {
  const { type, object, choices } = chunk;
  if (Array.isArray(choices)) return undefined;
  const isResponse = object === "response" || (typeof type === "string" && type.startsWith("response."));
  const dialect = isResponse
    ? "the Responses API"
    : type === "message_start" || type === "message"
      ? "the Messages API"
      : undefined;
  if (dialect === undefined) return undefined;
  return { kind: "broken", status: 200, message: `the reply is one of ${dialect}, not of Chat Completions` };
}
