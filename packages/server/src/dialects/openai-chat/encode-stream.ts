import type { Citation, JsonObject } from "../canonical/conversation.ts";
import type { Block, BlockEnd, Finish, ReplyEvent } from "../canonical/reply.ts";
import type { TokenUsage } from "../../kernel/tokens.ts";
import type { ReplyContext, StreamEncoder } from "../codec.ts";
import type { Failure } from "../dialect.ts";
import { annotationsOf } from "./citations.ts";
import { type Echo, readEcho } from "./echo.ts";
import { whyRefused } from "./encode-reply.ts";
import { encodeFailureEvent } from "./failure.ts";
import { encodeFinish } from "./finish.ts";
import { sealedDetail } from "./sealed-details.ts";
import { usageObject } from "./usage-object.ts";

/*
 * Writes chunks. The role stands in the first, the reason to finish in one of its own, the counts (if asked for) in one behind it.
 * Calls are numbered among themselves. A call's id and name stand in its first chunk; a call without arguments gets `{}`, for
 * clients parse what was put together.
 *
 * The state of a thinking block is told when the block ends. It is told once more beside the call if that is what comes next;
 * many clients keep it only there.
 */
export function createStreamEncoder(context: ReplyContext): StreamEncoder {
  const writer = new ChunkWriter(context);
  return {
    push: (event) => writer.push(event),
    fail: (failure: Failure) => encodeFailureEvent(failure).toString("utf8"),
    ping: () => ": ping\n\n",
  };
}

type Open = Block["type"] | "custom";

class ChunkWriter {
  readonly #context: ReplyContext;
  readonly #echo: Echo;
  /** A chunk up to its choices, up to its delta, and behind the delta. */
  readonly #head: string;
  readonly #before: string;
  readonly #after: string;
  #open: Open = "text";
  /** What goes before and behind the JSON text of a delta of the open block. */
  #prefix = "";
  #suffix = "";
  #calls = 0;
  /** Whether the open block is a call of which no arguments came yet. */
  #isBare = false;
  /** UTF-16 units that were said, that were thought, and where the open block began among them. */
  #said = 0;
  #thought = 0;
  #blockStart = 0;
  #details = 0;
  /** Whether the next text or thought has to be set apart from the one before. */
  #isApart = false;
  /** The state that came last, if nothing came behind it. */
  #sealed: string | undefined;

  constructor(context: ReplyContext) {
    this.#context = context;
    this.#echo = readEcho(context.echo);
    const id = JSON.stringify(`chatcmpl-${context.requestId}`);
    const model = JSON.stringify(context.model);
    this.#head = `data: {"id":${id},"object":"chat.completion.chunk","created":${context.createdAt},"model":${model},"choices":[`;
    this.#before = `${this.#head}{"index":0,"delta":`;
    const usage = this.#echo.includesUsage ? ',"usage":null' : "";
    this.#after = `,"logprobs":null,"finish_reason":null}]${usage}}\n\n`;
  }

  push(event: ReplyEvent): string {
    switch (event.type) {
      case "block_delta":
        return this.#delta(event.text);
      case "block_start":
        return this.#begin(event.block);
      case "block_end":
        return this.#end(event);
      case "start":
        return this.#chunk('{"role":"assistant","content":""}');
      case "finish":
        return this.#finish(event.finish, event.usage);
      case "failure":
        return "";
    }
  }

  #chunk(delta: string): string {
    return this.#before + delta + this.#after;
  }

  #delta(text: string): string {
    if (this.#isApart) return this.#apart(text);
    this.#isBare = false;
    if (this.#open === "text") this.#said += text.length;
    else if (this.#open === "thinking") this.#thought += text.length;
    return this.#prefix === "" ? "" : this.#prefix + JSON.stringify(text) + this.#suffix;
  }

  /** The first of a text behind which something else came, and before which there was a text. */
  #apart(text: string): string {
    this.#isApart = false;
    this.#blockStart += 2;
    return this.#delta(`\n\n${text}`);
  }

  #begin(block: Block): string {
    const sealed = this.#sealed;
    const follows = this.#open;
    this.#sealed = undefined;
    this.#open = block.type === "tool_call" && block.kind === "custom" ? "custom" : block.type;
    this.#isBare = false;
    this.#isApart = false;
    if (block.type === "tool_call") return this.#beginCall(block, sealed);
    this.#suffix = `}${this.#after}`;
    if (block.type === "refusal") this.#prefix = `${this.#before}{"refusal":`;
    if (block.type === "text") {
      this.#prefix = `${this.#before}{"content":`;
      this.#isApart = this.#said > 0 && follows !== "text"; // texts that follow each other are one that was cut somewhere
      this.#blockStart = this.#said;
    }
    if (block.type === "thinking") {
      this.#prefix = this.#echo.hidesReasoning ? "" : `${this.#before}{"reasoning_content":`;
      this.#isApart = this.#thought > 0;
      this.#blockStart = this.#thought;
    }
    return "";
  }

  #beginCall({ id, name }: Block & { readonly type: "tool_call" }, sealed: string | undefined): string {
    const index = this.#calls;
    this.#calls += 1;
    this.#isBare = this.#open === "tool_call";
    if (this.#echo.callsFunction) return this.#beginFunction(name, index);
    const [type, body, key] =
      this.#open === "custom" ? ["custom", "custom", "input"] : ["function", "function", "arguments"];
    this.#prefix = `${this.#before}{"tool_calls":[{"index":${index},"${body}":{"${key}":`;
    this.#suffix = `}}]}${this.#after}`;
    const extra =
      sealed === undefined ? "" : `,"extra_content":{"google":{"thought_signature":${JSON.stringify(sealed)}}}`;
    const named = `"${body}":{"name":${JSON.stringify(name)},"${key}":""}`;
    return this.#chunk(
      `{"tool_calls":[{"index":${index},"id":${JSON.stringify(id)},"type":"${type}",${named}${extra}}]}`,
    );
  }

  /** The old form has room for one. */
  #beginFunction(name: string, index: number): string {
    this.#prefix = index === 0 ? `${this.#before}{"function_call":{"arguments":` : "";
    this.#suffix = `}}${this.#after}`;
    return index === 0 ? this.#chunk(`{"function_call":{"name":${JSON.stringify(name)},"arguments":""}}`) : "";
  }

  #end({ state, citations }: BlockEnd): string {
    this.#isApart = false;
    if (this.#isBare) return this.#delta("{}");
    if (citations !== undefined) return this.#cite(citations);
    if (state === undefined) return "";
    this.#sealed = this.#context.seal.seal(state);
    const detail = sealedDetail(this.#sealed, this.#details, this.#blockStart, this.#thought);
    this.#details += 1;
    return this.#chunk(JSON.stringify({ reasoning_details: [detail] }));
  }

  #cite(citations: readonly Citation[]): string {
    const annotations: readonly JsonObject[] = annotationsOf(
      citations,
      this.#blockStart,
      this.#said - this.#blockStart,
    );
    return annotations.length === 0 ? "" : this.#chunk(JSON.stringify({ annotations }));
  }

  #finish(finish: Finish, usage: TokenUsage | undefined): string {
    const word = encodeFinish(finish, this.#echo.callsFunction);
    const isSilent = this.#said === 0 && this.#calls === 0 && this.#open !== "refusal";
    const why = isSilent ? whyRefused(finish) : "";
    const refusal = why === "" ? "" : this.#chunk(JSON.stringify({ refusal: why }));
    const noUsage = this.#echo.includesUsage ? ',"usage":null' : "";
    const last = `${this.#before}{},"logprobs":null,"finish_reason":"${word}"}]${noUsage}}\n\n`;
    const counts =
      this.#echo.includesUsage && usage !== undefined
        ? `${this.#head}],"usage":${JSON.stringify(usageObject(usage))}}\n\n`
        : "";
    return `${refusal}${last}${counts}data: [DONE]\n\n`;
  }
}
