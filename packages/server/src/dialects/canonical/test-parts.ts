import { strict as assert } from "node:assert";
import type { Conversation } from "./conversation.ts";
import type { ReplyEvent } from "./reply.ts";
import { createStateSeal, type StateSeal } from "./state-seal.ts";

/** The key is for tests only. */
export const testSeal: StateSeal = createStateSeal(Buffer.alloc(32, 7));

/** A conversation that asks for nothing but an answer to "Hello". */
export const plainConversation: Conversation = {
  system: [],
  turns: [{ role: "user", parts: [{ type: "text", text: "Hello" }] }],
  tools: [],
  sampling: {},
  stop: [],
  stream: false,
};

/**
 * What is wrong with the order of these events, as `reply.ts` states it; undefined if nothing is. A stream that fails may leave a
 * block open; one that is not over yet (`partial`) may stop anywhere.
 */
export function disorderOf(events: readonly ReplyEvent[], partial = false): string | undefined {
  let state: "before" | "between" | "text" | "thinking" | "refusal" | "tool_call" | "over" = "before";
  for (const [index, event] of events.entries()) {
    const at = `event ${index} (${event.type})`;
    if (state === "over") return `${at} comes behind the end`;
    if ((state === "before") !== (event.type === "start")) return `${at} comes ${state} a block`;
    const isOpen = state !== "before" && state !== "between";
    switch (event.type) {
      case "start":
        state = "between";
        break;
      case "block_start":
        if (isOpen) return `${at} comes while a block is open`;
        if (event.block.type === "tool_call" && event.block.name === "") return `${at} begins a call without a name`;
        state = event.block.type;
        break;
      case "block_delta":
        if (!isOpen) return `${at} comes while no block is open`;
        if (event.text === "") return `${at} is empty`;
        break;
      case "block_end":
        if (!isOpen) return `${at} comes while no block is open`;
        if (event.state !== undefined && state !== "thinking") return `${at} has a state, but ends no thinking`;
        if (event.citations !== undefined && state !== "text") return `${at} has citations, but ends no text`;
        state = "between";
        break;
      case "finish":
        if (isOpen) return `${at} comes while a block is open`;
        state = "over";
        break;
      case "failure":
        state = "over";
    }
  }
  return state === "over" || partial ? undefined : "the events have no end";
}

/** Fails unless the events are in the order that `reply.ts` states. */
export function legalOrder(events: readonly ReplyEvent[], partial = false): void {
  const disorder = disorderOf(events, partial);
  if (disorder !== undefined) assert.fail(`${disorder}: ${JSON.stringify(events)}`);
}
