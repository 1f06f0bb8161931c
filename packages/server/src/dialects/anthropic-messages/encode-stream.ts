import type { ReasoningState, ThinkingPart } from "../canonical/conversation.ts";
import { isCut } from "../canonical/cut-call.ts";
import type { Block, BlockEnd, Finish, ReplyEvent } from "../canonical/reply.ts";
import type { TokenUsage } from "../../kernel/tokens.ts";
import { argumentsObject } from "../canonical/wire.ts";
import type { ReplyContext, StreamEncoder } from "../codec.ts";
import type { Failure } from "../dialect.ts";
import type { ThinkingDisplay } from "./decode-thinking.ts";
import { broken, displayIn, messageHead, thinkingBlock } from "./encode-reply.ts";
import { deltaUsage, estimatedUsage, messageUsage } from "./encode-usage.ts";
import { encodeFailureEvent } from "./failure.ts";
import { signatureOf } from "./hidden-thinking.ts";
import { stopFields } from "./stop-reasons.ts";

/*
 * Writes a stream of messages as the API does: every frame has its `event` line, without which the vendor's clients pass it
 * over; indexes are dense; one block is open at a time.
 *
 * States: *before* – nothing was written; the first event, or the first tick of silence, writes the start. *between*, *open* –
 * as the events say. *holding* – a thinking block that is not shown: its text is kept until it ends. *over*.
 *
 * Reasoning that was not asked for at all is kept until a call begins, and written before it, empty, with the text and the state
 * in its signature, for some providers want it back with the call's result. Without a call it is never written.
 *
 * Arguments of a call that are no JSON object stay as they came where the answer was cut in them. Anywhere else the stream fails:
 * the vendor's clients make of them what they can, up to nothing, and run the tool with it.
 */
export function createStreamEncoder(context: ReplyContext): StreamEncoder {
  return new MessageEncoder(context);
}

const pingFrame = 'event: ping\ndata: {"type": "ping"}\n\n';
const deltaLine = 'event: content_block_delta\ndata: {"type":"content_block_delta","index":';
const startLine = 'event: content_block_start\ndata: {"type":"content_block_start","index":';
const stopLine = 'event: content_block_stop\ndata: {"type":"content_block_stop","index":';
const stopFrame = 'event: message_stop\ndata: {"type":"message_stop"}\n\n';

const deltaHeads: Readonly<Record<Block["type"], string>> = {
  text: ',"delta":{"type":"text_delta","text":',
  refusal: ',"delta":{"type":"text_delta","text":',
  thinking: ',"delta":{"type":"thinking_delta","thinking":',
  tool_call: ',"delta":{"type":"input_json_delta","partial_json":',
};

class MessageEncoder implements StreamEncoder {
  readonly #context: ReplyContext;
  readonly #display: ThinkingDisplay;
  #started = false;
  #over = false;
  #index = 0;
  #block: Block["type"] = "text";
  /** What stands before the text of a delta of the block that is open. */
  #deltaHead = "";
  /** The text of a block that is held. */
  #holding: string[] | undefined;
  #held: ThinkingPart[] = [];
  #hasRefusal = false;
  /** The arguments so far of the call that is open. */
  #arguments: string[] = [];
  #isBroken = false;
  #characters = 0;

  constructor(context: ReplyContext) {
    this.#context = context;
    this.#display = displayIn(context);
  }

  push(event: ReplyEvent): string {
    switch (event.type) {
      case "block_delta":
        return this.#delta(event.text);
      case "start":
        return this.#start();
      case "block_start":
        return this.#begin(event.block);
      case "block_end":
        return this.#end(event);
      case "finish":
        return this.#finish(event.finish, event.usage);
      case "failure":
        return "";
    }
  }

  fail(failure: Failure): string {
    this.#over = true;
    return encodeFailureEvent(failure).toString("utf8");
  }

  ping(): string {
    if (this.#over) return "";
    return this.#started ? pingFrame : this.#start();
  }

  #start(): string {
    if (this.#started) return "";
    this.#started = true;
    const usage = messageUsage(estimatedUsage(this.#context.estimatedInput, 0));
    const stops = { stop_reason: null, stop_sequence: null, stop_details: null };
    const message = { ...messageHead(this.#context), content: [], ...stops, container: null, diagnostics: null, usage };
    return frame("message_start", { message }) + pingFrame;
  }

  #delta(text: string): string {
    this.#characters += text.length;
    if (this.#block === "tool_call") this.#arguments.push(text);
    if (this.#holding === undefined) return `${this.#deltaHead}${JSON.stringify(text)}}}\n\n`;
    this.#holding.push(text);
    return "";
  }

  #begin(block: Block): string {
    if (this.#isBroken) throw broken();
    this.#block = block.type;
    if (block.type === "thinking" && this.#display !== "shown") {
      this.#holding = [];
      return "";
    }
    if (block.type === "refusal") this.#hasRefusal = true;
    const before = block.type === "tool_call" ? this.#written(this.#held.splice(0)) : "";
    const start = `${startLine}${this.#index},"content_block":${startOf(block)}}\n\n`;
    this.#deltaHead = deltaLine + this.#index + deltaHeads[block.type];
    const first = block.type === "tool_call" ? `${this.#deltaHead}""}}\n\n` : "";
    return before + start + first;
  }

  #end({ state }: BlockEnd): string {
    if (this.#holding !== undefined) return this.#endHeld(this.#holding.join(""), state);
    if (this.#block === "tool_call") this.#isBroken = argumentsObject(this.#arguments.splice(0).join("")) === undefined;
    const signature = this.#block === "thinking" ? this.#signature(signatureOf(state, this.#context.seal)) : "";
    return signature + this.#stop();
  }

  #endHeld(text: string, state: ReasoningState | undefined): string {
    this.#holding = undefined;
    if (text === "" && state === undefined) return "";
    const part: ThinkingPart = state === undefined ? { type: "thinking", text } : { type: "thinking", text, state };
    if (this.#display === "omitted") return this.#written([part]);
    this.#held.push(part);
    return "";
  }

  /** Whole blocks for reasoning that is not shown. */
  #written(parts: readonly ThinkingPart[]): string {
    let text = "";
    for (const part of parts) {
      const block = thinkingBlock(part, false, this.#context.seal);
      const { signature } = block;
      const isSigned = typeof signature === "string";
      const start = isSigned ? { ...block, signature: "" } : block;
      text += `${startLine}${this.#index},"content_block":${JSON.stringify(start)}}\n\n`;
      if (isSigned) text += this.#signature(signature);
      text += this.#stop();
    }
    return text;
  }

  #signature(signature: string): string {
    return `${deltaLine}${this.#index},"delta":{"type":"signature_delta","signature":${JSON.stringify(signature)}}}\n\n`;
  }

  #stop(): string {
    const text = `${stopLine}${this.#index}}\n\n`;
    this.#index += 1;
    return text;
  }

  #finish(finish: Finish, usage: TokenUsage | undefined): string {
    if (this.#isBroken && !isCut(finish)) throw broken();
    this.#over = true;
    const start = this.#start();
    const delta = { ...stopFields(finish, this.#hasRefusal), container: null };
    const counts = deltaUsage(usage ?? estimatedUsage(this.#context.estimatedInput, this.#characters));
    return start + frame("message_delta", { delta, usage: counts }) + stopFrame;
  }
}

function startOf(block: Block): string {
  if (block.type === "thinking") return '{"type":"thinking","thinking":"","signature":""}';
  if (block.type !== "tool_call") return '{"type":"text","text":""}';
  return `{"type":"tool_use","id":${JSON.stringify(block.id)},"name":${JSON.stringify(block.name)},"input":{}}`;
}

function frame(type: string, data: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
}
