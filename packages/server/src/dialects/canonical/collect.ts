import type { AssistantPart } from "./conversation.ts";
import type { Block, Reply, ReplyEvent, UpstreamFailure } from "./reply.ts";

/** A whole reply as the events that a stream of it would have had. */
export function eventsOf(reply: Reply): readonly ReplyEvent[] {
  const start: ReplyEvent = reply.id === undefined ? { type: "start" } : { type: "start", id: reply.id };
  return [start, ...reply.parts.flatMap(eventsOfPart), { type: "finish", finish: reply.finish, usage: reply.usage }];
}

function eventsOfPart(part: AssistantPart): readonly ReplyEvent[] {
  const text = part.type === "tool_call" ? part.arguments : part.text;
  const delta: readonly ReplyEvent[] = text === "" ? [] : [{ type: "block_delta", text }];
  return [{ type: "block_start", block: blockOf(part) }, ...delta, endOf(part)];
}

function blockOf(part: AssistantPart): Block {
  if (part.type !== "tool_call") return { type: part.type };
  const { type, id, name, kind } = part;
  return { type, id, name, kind };
}

function endOf(part: AssistantPart): ReplyEvent {
  if (part.type === "thinking" && part.state !== undefined) return { type: "block_end", state: part.state };
  if (part.type === "text" && part.citations !== undefined) return { type: "block_end", citations: part.citations };
  return { type: "block_end" };
}

/** Puts the events of a stream together to a whole reply. */
export class Collector {
  #id: string | undefined;
  #parts: AssistantPart[] = [];
  #block: Block | undefined;
  #text: string[] = [];
  #end: Reply | UpstreamFailure | undefined;

  push(event: ReplyEvent): void {
    switch (event.type) {
      case "start":
        this.#id = event.id;
        return;
      case "block_start":
        this.#block = event.block;
        this.#text = [];
        return;
      case "block_delta":
        this.#text.push(event.text);
        return;
      case "block_end":
        if (this.#block !== undefined) this.#parts.push(partOf(this.#block, this.#text.join(""), event));
        return;
      case "finish": {
        const { finish, usage } = event;
        this.#end = { ...(this.#id !== undefined && { id: this.#id }), parts: this.#parts, finish, usage };
        return;
      }
      case "failure":
        this.#end = event.failure;
    }
  }

  /** Undefined before the end has come. */
  get end(): Reply | UpstreamFailure | undefined {
    return this.#end;
  }
}

function partOf(block: Block, text: string, end: ReplyEvent & { readonly type: "block_end" }): AssistantPart {
  if (block.type === "tool_call") return { ...block, arguments: text };
  if (block.type === "thinking")
    return { type: "thinking", text, ...(end.state !== undefined && { state: end.state }) };
  if (block.type === "refusal") return { type: "refusal", text };
  return { type: "text", text, ...(end.citations !== undefined && { citations: end.citations }) };
}

export function isFailure(reply: Reply | UpstreamFailure): reply is UpstreamFailure {
  return "kind" in reply;
}
