import type { JsonObject } from "../canonical/conversation.ts";
import { present } from "../canonical/wire.ts";

/** Nothing larger is repeated. */
const mostEchoed = 4_096;

const repeated = [
  "instructions",
  "max_output_tokens",
  "metadata",
  "parallel_tool_calls",
  "reasoning",
  "temperature",
  "text",
  "tool_choice",
  "top_p",
] as const;

/** What replies of this dialect repeat of their request; not what is long, such as a schema or the tools. */
export function echoOf(body: JsonObject): JsonObject {
  const kept = repeated.map((field) => [field, field === "text" ? shortText(body[field]) : body[field]] as const);
  // Items of the reply can be referred to for a while, unless that is declined.
  return { ...Object.fromEntries(kept.filter(([, value]) => isShort(value))), store: body["store"] !== false };
}

/** Whether the caller may refer to items of the reply later. */
export function keepsItems(echo: JsonObject): boolean {
  return echo["store"] === true;
}

function isShort(value: unknown): boolean {
  return value !== undefined && value !== null && JSON.stringify(value).length <= mostEchoed;
}

/** Of the format, only its kind and name: clients know their own schema. */
function shortText(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  const { format, verbosity } = value as JsonObject;
  const { type, name } = (typeof format === "object" && format !== null ? format : {}) as JsonObject;
  return present({ format: type === undefined ? undefined : present({ type, name }), verbosity });
}
