import type { ServerEvent } from "../../kernel/sse.ts";
import { BlockWriter } from "../canonical/block-writer.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { Finish, ReplyEvent } from "../canonical/reply.ts";
import { isObject } from "../canonical/wire.ts";
import type { ReplyOrigin, StreamDecoder } from "../codec.ts";
import { field, text } from "../counter.ts";
import { citationsOf } from "./citations.ts";
import { decodeFailure } from "./decode-failure.ts";
import { blockOf, finishOf } from "./finish-reasons.ts";
import { PartReader } from "./reply-parts.ts";
import { geminiTokens } from "./tokens.ts";

/*
 * Reads a stream of partial replies; https://ai.google.dev/api/generate-content. Each has parts that go on from those before, and
 * counts that replace those before. Why the candidate ended stands in one of the last, but more may follow it, so the reply ends
 * with the connection; without that word it broke off. Only the first candidate is read.
 */
export function createStreamDecoder(origin: ReplyOrigin): ReplyReader {
  return new ReplyReader(origin);
}

/** Also reads a whole reply, which is a stream of one. */
export class ReplyReader implements StreamDecoder {
  readonly #writer = new BlockWriter();
  readonly #parts: PartReader;
  readonly #cited = new Set<string>();
  /** The last that stated any counts. */
  #usage: JsonObject | undefined;
  #finish: Finish | undefined;
  #finishMessage: string | undefined;

  constructor({ provider }: ReplyOrigin) {
    this.#parts = new PartReader(this.#writer, provider);
  }

  push({ data }: ServerEvent): readonly ReplyEvent[] {
    if (data === "" || data === "[DONE]") return [];
    try {
      const chunk: unknown = JSON.parse(data);
      if (isObject(chunk)) this.take(chunk);
    } catch {
      this.#broken("an event is no JSON");
    }
    return this.#writer.take();
  }

  end(): readonly ReplyEvent[] {
    if (!this.#writer.isOver) this.#end();
    return this.#writer.take();
  }

  take(chunk: JsonObject): void {
    const { error, candidates, promptFeedback, usageMetadata } = chunk;
    if (error !== undefined && error !== null) return this.#writer.fail(decodeFailure(statusOf(error), chunk));
    if (isCounted(usageMetadata)) this.#usage = usageMetadata;
    this.#writer.start(text(chunk, "responseId"));
    const blocked = text(promptFeedback, "blockReason");
    if (blocked !== undefined && blocked !== "BLOCK_REASON_UNSPECIFIED")
      this.#finish = blockOf(blocked, text(promptFeedback, "blockReasonMessage"));
    const candidate = firstOf(candidates);
    if (candidate !== undefined) this.#take(candidate);
  }

  #take(candidate: JsonObject): void {
    const isLate = this.#parts.isTextOpen; // what it rests on belongs to the text that went before
    if (isLate) this.#cite(candidate);
    const parts = field(candidate, "content", "parts");
    if (Array.isArray(parts)) for (const part of parts as readonly unknown[]) this.#parts.take(part);
    if (!isLate) this.#cite(candidate);
    const word = text(candidate, "finishReason");
    if (word === undefined || word === "FINISH_REASON_UNSPECIFIED") return;
    this.#finishMessage = text(candidate, "finishMessage");
    this.#finish = finishOf(word, this.#finishMessage);
  }

  /** Once each; they are told again with what is found later. */
  #cite(candidate: JsonObject): void {
    if (candidate["groundingMetadata"] === undefined && candidate["citationMetadata"] === undefined) return;
    if (!this.#parts.isTextOpen) return;
    for (const citation of citationsOf(candidate)) {
      const key = citation.url ?? citation.title ?? "";
      if (!this.#cited.has(key)) this.#writer.cite(citation);
      this.#cited.add(key);
    }
  }

  #end(): void {
    const finish = this.#finish;
    if (finish === undefined) return this.#broken("the stream ended before the reply did");
    const problem = this.#parts.end(finish.reason);
    if (problem !== undefined) return this.#broken(problem);
    if (this.#writer.isEmpty && finish.reason === "malformed_call") {
      const message = this.#finishMessage ?? "the model made a tool call that cannot be read";
      return this.#writer.fail({ kind: "server", status: 200, message });
    }
    if (this.#writer.isEmpty && this.#parts.hasMedia && finish.reason === "end")
      return this.#broken("the answer is an image or sound, which cannot be told in the caller's API");
    this.#writer.finish(finish, geminiTokens(this.#usage));
  }

  #broken(message: string): void {
    this.#writer.fail({ kind: "broken", status: 200, message });
  }
}

function isCounted(usage: unknown): usage is JsonObject {
  if (!isObject(usage)) return false;
  const { promptTokenCount, candidatesTokenCount, thoughtsTokenCount } = usage;
  return promptTokenCount !== undefined || candidatesTokenCount !== undefined || thoughtsTokenCount !== undefined;
}

function firstOf(candidates: unknown): JsonObject | undefined {
  if (!Array.isArray(candidates)) return undefined;
  return (candidates as readonly unknown[]).find(isFirst);
}

function isFirst(candidate: unknown): candidate is JsonObject {
  return isObject(candidate) && (candidate["index"] === 0 || candidate["index"] === undefined);
}

function statusOf(error: unknown): number {
  const code = field(error, "code");
  return typeof code === "number" && code >= 400 && code < 600 ? code : 200;
}
