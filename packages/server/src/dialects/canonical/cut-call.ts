import type { AssistantPart } from "./conversation.ts";
import type { Finish, Reply } from "./reply.ts";
import { argumentsObject } from "./wire.ts";

/** Whether there was no room for all of it. */
export function isCut({ reason }: Finish): boolean {
  return reason === "length" || reason === "window_full";
}

/** What a reply says. A call that a limit cut was never whole, so it is not there; any other that is broken is left. */
export function withoutCutCall({ parts, finish }: Reply): readonly AssistantPart[] {
  const last = parts.at(-1);
  if (!isCut(finish) || last?.type !== "tool_call" || last.kind === "custom") return parts;
  return argumentsObject(last.arguments) === undefined ? parts.slice(0, -1) : parts;
}
