import type { JsonObject } from "../canonical/conversation.ts";

/** What of a request its reply depends on. */
export interface Echo {
  /** A stream ends with a chunk that states the usage. */
  readonly includesUsage: boolean;
  /** A call is a `function_call`, which is how it was before there were tools. */
  readonly callsFunction: boolean;
  readonly hidesReasoning: boolean;
}

/** Without what says nothing. */
export function writeEcho(echo: Echo): JsonObject {
  return Object.fromEntries(Object.entries(echo).filter(([, value]) => value));
}

export function readEcho(echo: JsonObject): Echo {
  return {
    includesUsage: echo["includesUsage"] === true,
    callsFunction: echo["callsFunction"] === true,
    hidesReasoning: echo["hidesReasoning"] === true,
  };
}
