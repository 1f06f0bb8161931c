import type { TokenUsage } from "../../kernel/tokens.ts";
import type { Citation, ThinkingPart } from "../canonical/conversation.ts";
import type { Block, BlockEnd, Finish, ReplyEvent } from "../canonical/reply.ts";
import { isCut } from "../canonical/cut-call.ts";
import { argumentsObject } from "../canonical/wire.ts";
import type { ReplyContext, StreamEncoder } from "../codec.ts";
import type { Failure } from "../dialect.ts";
import { groundingOf } from "./citations.ts";
import { estimatedUsage, headOf, showsThoughts, signatureFor, usageOf } from "./encode-reply.ts";
import { errorObject } from "./failure.ts";
import { endingOf, malformedCall } from "./finish-reasons.ts";

/*
 * Writes partial replies, as server-sent events or as the elements of one array. A call is written whole when it ends, because its
 * arguments are an object; why the answer ended, and the counts, are in the last one, without which the vendor's clients take
 * the answer for cut off.
 *
 * A thought's state is the signature of the part that follows it, which may be the first delta of a text; behind the last part,
 * of an empty text. A call whose arguments turn out to be none is left out, and the answer ends for that.
 */
export function createStreamEncoder(context: ReplyContext): StreamEncoder {
  return new ContentWriter(context);
}

class ContentWriter implements StreamEncoder {
  readonly #context: ReplyContext;
  readonly #shows: boolean;
  readonly #isArray: boolean;
  /** What stands behind the parts of a chunk that is not the last. */
  readonly #tail: string;
  readonly #head: string;
  #begun = false;
  #over = false;
  #block: Block | undefined;
  /** Of a call or a thought. */
  #text = "";
  #thought: ThinkingPart | undefined;
  readonly #citations: Citation[] = [];
  #isMalformed = false;
  #characters = 0;

  constructor(context: ReplyContext) {
    this.#context = context;
    this.#shows = showsThoughts(context);
    this.#isArray = context.framing === "json-array";
    const rest = JSON.stringify(headOf(context)).slice(1);
    this.#head = `${this.#isArray ? ",\n" : "data: "}{"candidates":[{"content":{"parts":[`;
    this.#tail = `],"role":"model"},"index":0}],${rest}${this.#isArray ? "" : "\n\n"}`;
  }

  push(event: ReplyEvent): string {
    switch (event.type) {
      case "block_delta":
        return this.#delta(event.text);
      case "block_start":
        this.#block = event.block;
        this.#text = "";
        return event.block.type === "thinking" && this.#thought?.state !== undefined ? this.#emptyText() : "";
      case "block_end":
        return this.#end(event);
      case "finish":
        return this.#finish(event.finish, event.usage);
      case "start":
      case "failure":
        return "";
    }
  }

  /** An array is closed behind the error, which is then its last element. */
  fail(failure: Failure): string {
    if (this.#over) return "";
    this.#over = true;
    const error = errorObject(failure);
    return this.#isArray ? `${this.#begun ? ",\n" : "["}${error}]` : `data: ${error}\n\n`;
  }

  ping(): string {
    if (this.#over) return "";
    return this.#isArray ? "\n" : ": keep-alive\n\n";
  }

  #delta(text: string): string {
    this.#characters += text.length;
    switch (this.#block?.type) {
      case "text":
      case "refusal":
        if (this.#thought !== undefined) return this.#chunk(this.#signed(`"text":${JSON.stringify(text)}`, false));
        return this.#chunk(`{"text":${JSON.stringify(text)}}`);
      case "thinking":
        this.#text += text;
        return this.#shows ? this.#chunk(`{"text":${JSON.stringify(text)},"thought":true}`) : "";
      case "tool_call":
        this.#text += text;
        return "";
      case undefined:
        return "";
    }
  }

  #chunk(part: string): string {
    const written = this.#head + part + this.#tail;
    if (this.#begun) return written;
    this.#begun = true;
    return this.#isArray ? `[${written.slice(2)}` : written;
  }

  /** A part with the signature that waits for one. */
  #signed(fields: string, isCall: boolean): string {
    const thought = this.#thought;
    this.#thought = undefined;
    const signature = thought === undefined ? undefined : signatureFor(thought, isCall, this.#context);
    return signature === undefined ? `{${fields}}` : `{${fields},"thoughtSignature":${JSON.stringify(signature)}}`;
  }

  #emptyText(): string {
    return this.#chunk(this.#signed('"text":""', false));
  }

  #end({ state, citations }: BlockEnd): string {
    const block = this.#block;
    this.#block = undefined;
    if (citations !== undefined) this.#citations.push(...citations);
    if (block?.type === "thinking")
      this.#thought = { type: "thinking", text: this.#text, ...(state !== undefined && { state }) };
    return block?.type === "tool_call" ? this.#call(block.id, block.name) : "";
  }

  /** The arguments as they were written, numbers and all; but a line break would end the event. */
  #call(id: string, name: string): string {
    const args = argumentsObject(this.#text);
    if (args === undefined) {
      this.#isMalformed = true;
      return "";
    }
    const isLine = this.#text.trim() !== "" && !/[\r\n]/.test(this.#text);
    const json = isLine ? this.#text : JSON.stringify(args);
    const call = `{"id":${JSON.stringify(id)},"name":${JSON.stringify(name)},"args":${json}}`;
    return this.#chunk(this.#signed(`"functionCall":${call}`, true));
  }

  #finish(finish: Finish, usage: TokenUsage | undefined): string {
    this.#over = true;
    const last = this.#thought?.state === undefined ? '{"text":""}' : this.#signed('"text":""', false);
    const groundingMetadata = groundingOf(this.#citations);
    const ending = {
      ...(this.#isMalformed && !isCut(finish) ? malformedCall : endingOf(finish)),
      ...(groundingMetadata !== undefined && { groundingMetadata }),
    };
    const counts = usageOf(usage ?? estimatedUsage(this.#context.estimatedInput, this.#characters));
    const end = `],"role":"model"},${JSON.stringify(ending).slice(1, -1)},"index":0}],"usageMetadata":`;
    const rest = JSON.stringify(headOf(this.#context)).slice(1);
    const chunk = `{"candidates":[{"content":{"parts":[${last}${end}${JSON.stringify(counts)},${rest}`;
    if (!this.#isArray) return `data: ${chunk}\n\n`;
    return `${this.#begun ? ",\n" : "["}${chunk}]`;
  }
}
