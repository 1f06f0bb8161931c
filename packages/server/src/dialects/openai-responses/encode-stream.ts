import type { Citation, JsonObject, ReasoningState } from "../canonical/conversation.ts";
import type { Block, Finish, ReplyEvent } from "../canonical/reply.ts";
import type { TokenUsage } from "../../kernel/tokens.ts";
import type { ReplyContext, StreamEncoder } from "../codec.ts";
import type { Failure } from "../dialect.ts";
import { annotationsOf } from "./encode-content.ts";
import { keepItem } from "./kept-items.ts";
import { EventFrames } from "./event-frames.ts";
import { failedError } from "./failed-error.ts";
import { type AnswerPart, callItem, contentPart, itemId, messageItem, reasoningItem } from "./output-items.ts";
import { beginning, endingOf, usageObject } from "./response-object.ts";

/*
 * Writes the events of a response. The newest clients refuse a stream whose first event is not `response.created`, a delta for
 * an item or a part that was not added, an event without its item's id, and an event that they do not know; some take what was
 * answered from `response.output_item.done` alone, and others from the last event alone.
 *
 * States: *before* – nothing was written. *between* – no item is open. *message* – a message is open, whose parts follow each
 * other; it stays open behind a part, for another one may come. *part*, *call*, *thinking* – deltas belong to it; a thinking
 * block is written only once there is something of it. *over* – the last event was written.
 */
export function createStreamEncoder(context: ReplyContext): StreamEncoder {
  return new ResponsesWriter(context);
}

class ResponsesWriter implements StreamEncoder {
  readonly #context: ReplyContext;
  /** JSON, without its closing brace. */
  readonly #response: string;
  readonly #frames = new EventFrames();
  #begun = false;
  /** The items that are whole, as JSON. */
  readonly #items: string[] = [];
  #message: { readonly id: string; readonly content: JsonObject[] } | undefined;
  #block: Block | undefined;
  #itemId = "";
  #text = "";
  #isThinkingBegun = false;
  #hasText = false;
  #hasRefusal = false;

  constructor(context: ReplyContext) {
    this.#context = context;
    this.#response = JSON.stringify(beginning(context)).slice(0, -1);
  }

  push(event: ReplyEvent): string {
    switch (event.type) {
      case "block_delta":
        return this.#delta(event.text);
      case "start":
        return this.#begin();
      case "block_start":
        return this.#begin() + this.#startBlock(event.block);
      case "block_end":
        return this.#endBlock(event.state, event.citations);
      case "finish":
        return this.#begin() + this.#finish(event.finish, event.usage);
      case "failure":
        return "";
    }
  }

  fail(failure: Failure): string {
    return this.#begin() + this.#last("failed", { error: failedError(failure), incomplete_details: null }, undefined);
  }

  ping(): string {
    return ": keep-alive\n\n";
  }

  #begin(): string {
    if (this.#begun) return "";
    this.#begun = true;
    const response = `${this.#response},"status":"in_progress","error":null,"incomplete_details":null,"output":[],"usage":null}`;
    return this.#frames.about("response.created", response) + this.#frames.about("response.in_progress", response);
  }

  #delta(text: string): string {
    const before = this.#block?.type === "thinking" && !this.#isThinkingBegun ? this.#beginThinking() : "";
    this.#text += text;
    return before + this.#frames.delta(text);
  }

  #startBlock(block: Block): string {
    this.#block = block;
    this.#text = "";
    switch (block.type) {
      case "text":
      case "refusal":
        return this.#startPart(block.type);
      case "thinking":
        this.#isThinkingBegun = false;
        return this.#closeMessage();
      case "tool_call":
        return this.#closeMessage() + this.#startCall(block);
    }
  }

  get #index(): number {
    return this.#items.length;
  }

  /** Where something stands in the item that is open. */
  get #place(): JsonObject {
    return { item_id: this.#itemId, output_index: this.#index };
  }

  #startPart(type: "text" | "refusal"): string {
    const opened = this.#openMessage();
    const at = { ...this.#place, content_index: this.#message?.content.length ?? 0 };
    const empty = contentPart({ type, text: "" });
    if (type === "text") this.#frames.prepare("response.output_text.delta", at, ',"logprobs":[]');
    else this.#frames.prepare("response.refusal.delta", at);
    return opened + this.#frames.event("response.content_part.added", { ...at, part: empty });
  }

  #openMessage(): string {
    if (this.#message !== undefined) return "";
    this.#itemId = itemId("message", this.#context, this.#index);
    this.#message = { id: this.#itemId, content: [] };
    return this.#added({ ...messageItem(this.#itemId, []), status: "in_progress" });
  }

  #added(item: JsonObject): string {
    return this.#frames.event("response.output_item.added", { output_index: this.#index, item });
  }

  /** The item is whole. */
  #done(item: JsonObject): string {
    const json = JSON.stringify(item);
    keepItem(item, json, this.#context);
    const frame = this.#frames.done(this.#index, json);
    this.#items.push(json);
    return frame;
  }

  #closeMessage(): string {
    const message = this.#message;
    if (message === undefined) return "";
    this.#message = undefined;
    return this.#done(messageItem(message.id, message.content));
  }

  #startCall(block: Block & { readonly type: "tool_call" }): string {
    this.#itemId = itemId(block.kind, this.#context, this.#index);
    const empty = this.#callItem(block, "");
    const isCustom = block.kind === "custom";
    this.#frames.prepare(
      `response.${isCustom ? "custom_tool_call_input" : "function_call_arguments"}.delta`,
      this.#place,
    );
    return this.#added({ ...empty, status: "in_progress", ...(!isCustom && { arguments: "" }) });
  }

  #callItem(block: Block & { readonly type: "tool_call" }, text: string): JsonObject {
    return callItem(this.#itemId, { ...block, arguments: text }, this.#context.tools);
  }

  #beginThinking(): string {
    this.#isThinkingBegun = true;
    this.#itemId = itemId("reasoning", this.#context, this.#index);
    const added = this.#added(reasoningItem(this.#itemId, "", undefined, this.#context));
    const at = { ...this.#place, summary_index: 0 };
    this.#frames.prepare("response.reasoning_summary_text.delta", at);
    const part = { type: "summary_text", text: "" };
    return added + this.#frames.event("response.reasoning_summary_part.added", { ...at, part });
  }

  #endBlock(state: ReasoningState | undefined, citations: readonly Citation[] | undefined): string {
    const block = this.#block;
    this.#block = undefined;
    switch (block?.type) {
      case undefined:
        return "";
      case "thinking":
        return this.#endThinking(state);
      case "tool_call":
        return this.#endCall(block);
      case "text":
        this.#hasText ||= this.#text !== "";
        return this.#endText(citations ?? []);
      case "refusal":
        this.#hasRefusal = true;
        return this.#endPart({ type: "refusal", text: this.#text }, "response.refusal.done", { refusal: this.#text });
    }
  }

  #endText(citations: readonly Citation[]): string {
    const at = { ...this.#place, content_index: this.#message?.content.length ?? 0 };
    let cited = "";
    for (const [index, annotation] of annotationsOf(citations, this.#text.length).entries()) {
      cited += this.#frames.event("response.output_text.annotation.added", {
        ...at,
        annotation_index: index,
        annotation,
      });
    }
    const part = { type: "text", text: this.#text, citations } as const;
    return cited + this.#endPart(part, "response.output_text.done", { text: this.#text, logprobs: [] });
  }

  #endPart(part: AnswerPart, doneType: string, said: JsonObject): string {
    const at = { ...this.#place, content_index: this.#message?.content.length ?? 0 };
    const content = contentPart(part);
    this.#message?.content.push(content);
    return (
      this.#frames.event(doneType, { ...at, ...said }) +
      this.#frames.event("response.content_part.done", { ...at, part: content })
    );
  }

  #endThinking(state: ReasoningState | undefined): string {
    if (!this.#isThinkingBegun) return state === undefined ? "" : this.#onlyState(state);
    const at = { ...this.#place, summary_index: 0 };
    const part = { type: "summary_text", text: this.#text };
    return (
      this.#frames.event("response.reasoning_summary_text.done", { ...at, text: this.#text }) +
      this.#frames.event("response.reasoning_summary_part.done", { ...at, part }) +
      this.#done(reasoningItem(this.#itemId, this.#text, state, this.#context))
    );
  }

  #onlyState(state: ReasoningState): string {
    this.#itemId = itemId("reasoning", this.#context, this.#index);
    const added = this.#added(reasoningItem(this.#itemId, "", undefined, this.#context));
    return added + this.#done(reasoningItem(this.#itemId, "", state, this.#context));
  }

  /** Where there are no arguments, an empty object is told in a delta too: some clients add the deltas up. */
  #endCall(block: Block & { readonly type: "tool_call" }): string {
    if (block.kind === "custom") {
      const done = this.#frames.event("response.custom_tool_call_input.done", { ...this.#place, input: this.#text });
      return done + this.#done(this.#callItem(block, this.#text));
    }
    const only = this.#text === "" ? this.#delta("{}") : "";
    const item = this.#callItem(block, this.#text);
    const said = { ...this.#place, name: item["name"], arguments: this.#text };
    return only + this.#frames.event("response.function_call_arguments.done", said) + this.#done(item);
  }

  #finish(finish: Finish, usage: TokenUsage | undefined): string {
    if (finish.reason === "malformed_call") {
      const error = { code: "server_error", message: "The model made a tool call that cannot be read. Try again." };
      return this.#closeMessage() + this.#last("failed", { error, incomplete_details: null }, usage);
    }
    const said = this.#refusalOf(finish) + this.#closeMessage();
    const { status, incomplete_details } = endingOf(finish, this.#hasRefusal);
    return said + this.#last(status, { error: null, incomplete_details }, usage);
  }

  /** Where nothing was said but why it was refused, that is said. */
  #refusalOf({ reason, detail }: Finish): string {
    if (reason !== "refusal" || detail === undefined || this.#hasText || this.#hasRefusal) return "";
    const start = this.#startBlock({ type: "refusal" });
    return start + this.#delta(detail) + this.#endBlock(undefined, undefined);
  }

  #last(status: string, fields: JsonObject, usage: TokenUsage | undefined): string {
    const said = JSON.stringify({ status, ...fields }).slice(1, -1);
    const completed = status === "completed" ? this.#context.createdAt : null;
    const end = `"completed_at":${completed},"output":[${this.#items.join(",")}],"usage":${JSON.stringify(usageObject(usage))}`;
    return this.#frames.about(`response.${status}`, `${this.#response},${said},${end}}`);
  }
}
