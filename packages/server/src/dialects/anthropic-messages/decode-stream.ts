import type { ServerEvent } from "../../kernel/sse.ts";
import { BlockWriter } from "../canonical/block-writer.ts";
import type { Citation, JsonObject } from "../canonical/conversation.ts";
import type { ReplyEvent } from "../canonical/reply.ts";
import { isObject } from "../canonical/wire.ts";
import type { ReplyOrigin, StreamDecoder } from "../codec.ts";
import { counter, field, text } from "../counter.ts";
import { citationsOf } from "./citations.ts";
import { decodeFailure } from "./decode-failure.ts";
import { finishOf } from "./stop-reasons.ts";
import { createTally } from "./usage.ts";

/*
 * Reads a stream of messages; https://docs.claude.com/en/api/messages-streaming
 *
 * Blocks are known by their index, which some servers use again or leave gaps in; so each start of a block makes a new one. A
 * block ends with its stop, with the start of another at the same index, or – thought and text – with the start of any other.
 * What it takes to close a thinking block, its signature, comes just before its stop. The message ends with `message_stop`, or
 * with the connection if a reason to stop was seen; else it broke off.
 *
 * Some servers repeat `message_start`. That is passed over as long as nothing was said; later it means that the reply began
 * anew behind our back, and what was passed on cannot be taken back, so it is broken.
 */
export function createStreamDecoder({ provider }: ReplyOrigin): StreamDecoder {
  return new MessageDecoder(provider);
}

/** `other`: the vendor's own tools, and what is not known; it is passed over. */
interface OpenBlock {
  readonly kind: "text" | "thinking" | "tool_use" | "other";
  /** Of a call; never used again. */
  readonly key: number;
  /** What came with the start of a call, for servers that send no deltas. */
  readonly whole: string;
  signature: string;
  /** They come before the text that they belong to. */
  readonly citations: Citation[];
}

class MessageDecoder implements StreamDecoder {
  readonly #provider: string;
  readonly #writer = new BlockWriter();
  readonly #tally = createTally();
  readonly #open = new Map<number, OpenBlock>();
  #blocks = 0;
  /** The `delta` that told why the reply ended. */
  #stop: unknown;

  constructor(provider: string) {
    this.#provider = provider;
  }

  push(event: ServerEvent): readonly ReplyEvent[] {
    if (event.data !== "" && event.data !== "[DONE]") this.#read(event);
    return this.#writer.take();
  }

  end(): readonly ReplyEvent[] {
    if (this.#stop !== undefined) this.#finish();
    this.#broken("the stream ended before the reply did");
    return this.#writer.take();
  }

  #read({ name, data }: ServerEvent): void {
    let event: unknown;
    try {
      event = JSON.parse(data);
    } catch {
      return this.#broken("an event is no JSON");
    }
    if (isObject(event)) this.#take(text(event, "type") ?? name, event);
  }

  #take(type: string, event: JsonObject): void {
    switch (type) {
      case "content_block_delta":
        return this.#delta(indexOf(event), event["delta"]);
      case "content_block_start":
        return this.#begin(indexOf(event), event["content_block"]);
      case "content_block_stop":
        return this.#close(indexOf(event));
      case "message_start":
        return this.#start(event["message"]);
      case "message_delta":
        this.#tally.add(event["usage"]);
        if (text(event, "delta", "stop_reason") !== undefined) this.#stop = event["delta"];
        return;
      case "message_stop":
        return this.#finish();
      case "error":
        return this.#writer.fail(decodeFailure(200, event));
      default:
    }
  }

  #start(message: unknown): void {
    if (!this.#writer.isEmpty) return this.#broken("the reply began anew in its midst");
    this.#tally.add(field(message, "usage"));
    this.#writer.start(text(message, "id"));
  }

  #begin(index: number, block: unknown): void {
    this.#close(index);
    for (const [other, { kind }] of this.#open) if (kind !== "tool_use") this.#close(other);
    this.#blocks += 1;
    const type = text(block, "type") ?? "";
    const kind = type === "text" || type === "thinking" || type === "tool_use" ? type : "other";
    const key = this.#blocks;
    const signature = text(block, "signature") ?? "";
    this.#open.set(index, { kind, key, whole: wholeInput(block), signature, citations: [] });
    this.#first(type, key, block);
  }

  /** What a block's start says already. */
  #first(type: string, key: number, block: unknown): void {
    if (type === "tool_use") this.#writer.call(key, text(block, "id") ?? "", text(block, "name") ?? "");
    else if (type === "text") this.#writer.text(text(block, "text") ?? "");
    else if (type === "thinking") this.#writer.thinking(text(block, "thinking") ?? "");
    else if (type === "redacted_thinking") this.#redacted(text(block, "data"));
  }

  #redacted(data: string | undefined): void {
    if (data === undefined) return;
    this.#writer.endBlock();
    this.#writer.state({ dialect: "anthropic-messages", provider: this.#provider, data, kind: "redacted" });
  }

  /** Its type says what it is; a block that was never begun is begun by it, but for a call, which would have no name. */
  #delta(index: number, delta: unknown): void {
    const block = this.#open.get(index);
    if (block?.kind === "other" || !isObject(delta)) return;
    switch (delta["type"]) {
      case "text_delta":
        return this.#writer.text(stringOf(delta["text"]));
      case "input_json_delta":
        return this.#input(block, stringOf(delta["partial_json"]));
      case "thinking_delta":
        return this.#think(index, block, stringOf(delta["thinking"]));
      case "signature_delta":
        return this.#sign(index, block, stringOf(delta["signature"]));
      case "citations_delta":
        block?.citations.push(...(citationsOf([delta["citation"]]) ?? []));
        return;
      default:
    }
  }

  #input(block: OpenBlock | undefined, json: string): void {
    if (block?.kind === "tool_use") this.#writer.callText(block.key, json);
    else if (json !== "") this.#broken("arguments came of a call that was never begun");
  }

  #think(index: number, block: OpenBlock | undefined, thought: string): void {
    if (block === undefined) this.#open.set(index, unbegun(""));
    this.#writer.thinking(thought);
  }

  /** The last one counts, as it does for the vendor's own clients. */
  #sign(index: number, block: OpenBlock | undefined, signature: string): void {
    if (block === undefined) this.#open.set(index, unbegun(signature));
    else block.signature = signature;
  }

  #close(index: number): void {
    const block = this.#open.get(index);
    if (block === undefined) return;
    this.#open.delete(index);
    if (block.kind === "tool_use") {
      if (this.#writer.callLength(block.key) === 0) this.#writer.callText(block.key, block.whole);
      this.#writer.endCall(block.key);
    } else if (block.kind === "thinking" && block.signature !== "") {
      this.#writer.state({ dialect: "anthropic-messages", provider: this.#provider, data: block.signature });
    } else if (block.kind !== "other") {
      for (const citation of block.citations) this.#writer.cite(citation);
      this.#writer.endBlock();
    }
  }

  #finish(): void {
    if (this.#writer.isOver) return;
    for (const index of this.#open.keys()) this.#close(index);
    this.#writer.finish(finishOf(this.#stop, this.#writer.hasCalls), this.#tally.tokens());
  }

  #broken(message: string): void {
    this.#writer.fail({ kind: "broken", status: 200, message });
  }
}

/** A thinking block of which the start was left out. */
function unbegun(signature: string): OpenBlock {
  return { kind: "thinking", key: 0, whole: "", signature, citations: [] };
}

function stringOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function indexOf(event: JsonObject): number {
  return counter(event, "index") ?? 0;
}

/** The input of a call that came with its start, if there is any. */
function wholeInput(block: unknown): string {
  const input = field(block, "input");
  if (typeof input === "string") return input;
  return isObject(input) && Object.keys(input).length > 0 ? JSON.stringify(input) : "";
}
