import { strict as assert } from "node:assert";
import type { Conversation } from "./conversation.ts";
import type { Block, ReplyEvent } from "./reply.ts";
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
function disorderOf(events: readonly ReplyEvent[], partial = false): string | undefined {
  let state: State = "before";
  for (const [index, event] of events.entries()) {
    const problem = problemOf(event, state);
    if (problem !== undefined) return `event ${index} (${event.type}) ${problem}`;
    state = stateAfter(event);
    if (event.type === "block_delta") state = blockOf(events, index);
  }
  return state === "over" || partial ? undefined : "the events have no end";
}

type State = "before" | "between" | "over" | Block["type"];

function stateAfter(event: ReplyEvent): State {
  if (event.type === "block_start") return event.block.type;
  return event.type === "finish" || event.type === "failure" ? "over" : "between";
}

/** The block that a delta belongs to. */
function blockOf(events: readonly ReplyEvent[], index: number): State {
  const start = events.slice(0, index).findLast((event) => event.type === "block_start");
  return start?.type === "block_start" ? start.block.type : "between";
}

function problemOf(event: ReplyEvent, state: State): string | undefined {
  if (state === "over") return "comes behind the end";
  if ((state === "before") !== (event.type === "start"))
    return "comes at the wrong time: `start` comes first, and once";
  const isOpen = state !== "before" && state !== "between";
  const wantsOpen = event.type === "block_delta" || event.type === "block_end";
  if (wantsOpen && !isOpen) return "comes while no block is open";
  if (isOpen && (event.type === "block_start" || event.type === "finish")) return "comes while a block is open";
  return contentProblem(event, state);
}

function contentProblem(event: ReplyEvent, state: State): string | undefined {
  if (event.type === "block_delta" && event.text === "") return "is empty";
  if (event.type === "block_start" && event.block.type === "tool_call" && event.block.name === "") return "has no name";
  if (event.type !== "block_end") return undefined;
  if (event.state !== undefined && state !== "thinking") return "has a state, but ends no thinking";
  return event.citations !== undefined && state !== "text" ? "has citations, but ends no text" : undefined;
}

/** Fails unless the events are in the order that `reply.ts` states. */
export function legalOrder(events: readonly ReplyEvent[], partial = false): void {
  const disorder = disorderOf(events, partial);
  if (disorder !== undefined) assert.fail(`${disorder}: ${JSON.stringify(events)}`);
}
