import * as z from "zod";
import { usageFilter } from "./usage.ts";
import { count, page, paging, time } from "./values.ts";

/** `hint`: what is left out only saved time or money, so no answer is another for it. */
const droppedPart = z.object({ path: z.string(), kind: z.enum(["dropped", "changed", "hint", "more"]) });

export const requestRow = z.object({
  request_id: z.string(),
  started_at: time,
  /** `null` while it runs. */
  ended_at: time.nullable(),
  key_id: z.string().nullable(),
  user: z.string().nullable(),
  team: z.string().nullable(),
  service: z.string().nullable(),
  session_id: z.string().nullable(),
  agent_id: z.string().nullable(),
  route: z.string(),
  dialect: z.string(),
  provider: z.string().nullable(),
  credential_id: z.string().nullable(),
  requested_model: z.string().nullable(),
  model: z.string().nullable(),
  stream: z.boolean(),
  status: z.int().nullable(),
  outcome: z.string(),
  error_code: z.string().nullable(),
  /** How far the counts can be trusted: said by the provider, worked out here, or neither. */
  usage_source: z.enum(["reported", "estimated", "unknown"]),
  input_tokens: count,
  output_tokens: count,
  cache_read_tokens: count,
  cache_write_tokens: count,
  cache_write_1h_tokens: count,
  reasoning_tokens: count,
  input_audio_tokens: count,
  output_audio_tokens: count,
  input_image_tokens: count,
  output_image_tokens: count,
  images: count,
  characters: count,
  audio_ms: count,
  searches: count,
  /** Micro-dollars; `null` where the price is not known. */
  cost_micros: count.nullable(),
  latency_ms: count.nullable(),
  first_byte_ms: count.nullable(),
  request_bytes: count,
  response_bytes: count,
  attempts: count,
  /** What the provider keeps the reply under, where it can be asked for again. */
  response_id: z.string().nullable(),
  /** What the provider was asked in: another one than `dialect` if the request was translated; `null` if none was asked. */
  upstream_dialect: z.string().nullable(),
  /** What translation left out or changed. Of a list that was cut the last one is `more`. */
  dropped: z.array(droppedPart).nullable(),
});

export const requests = {
  list: {
    query: z.strictObject({ ...paging, ...usageFilter, translated: z.enum(["true", "false"]).optional() }),
    output: page(requestRow),
  },
  get: { output: requestRow },
};
