import * as z from "zod";
import { count, moment, time } from "./values.ts";

export const usageGroup = z.enum([
  "key",
  "user",
  "team",
  "service",
  "model",
  "provider",
  "credential",
  "session",
  "route",
  "dialect",
  "outcome",
]);

const filterValue = z.string().min(1).max(200).optional();

/** What both the sums and the list of requests can be narrowed to. */
export const usageFilter = {
  since: moment.optional(),
  until: moment.optional(),
  key: filterValue,
  user: filterValue,
  team: filterValue,
  service: filterValue,
  model: filterValue,
  provider: filterValue,
  /** The sums of a credential, like those of a session, are told from single requests, as far back as these are kept. */
  credential: filterValue,
  session: filterValue,
  route: filterValue,
  dialect: filterValue,
  outcome: filterValue,
};

const groupName = z.string().nullable().optional();

const sums = {
  requests: count,
  errors: count,
  input_tokens: count,
  output_tokens: count,
  cache_read_tokens: count,
  cache_write_tokens: count,
  reasoning_tokens: count,
  /** Tokens of audio and of images are parts of `input_tokens` and `output_tokens`. */
  input_audio_tokens: count,
  output_audio_tokens: count,
  input_image_tokens: count,
  output_image_tokens: count,
  /** Images made. */
  images: count,
  /** Characters spoken. */
  characters: count,
  /** Milliseconds of audio transcribed. */
  audio_ms: count,
  /** Search units of rerankers. */
  searches: count,
  cost_usd: z.number(),
  /** Requests whose price is not known; they are not in `cost_usd`. */
  unpriced_requests: count,
  average_latency_ms: count.nullable(),
};

/** The sums of one group. It names the group under the word asked for: `{"model": "gpt-5", …}`; `null` is "none". */
export const usageRow = z.object({
  key: groupName,
  user: groupName,
  team: groupName,
  service: groupName,
  model: groupName,
  provider: groupName,
  credential: groupName,
  session: groupName,
  route: groupName,
  dialect: groupName,
  outcome: groupName,
  ...sums,
});

/** What is answered for; wider than asked for, to the whole hour, where single requests have been deleted. */
const span = { since: time.nullable(), until: time.nullable() };

const names = z.array(z.string());

export const usage = {
  sum: {
    query: z.strictObject({ ...usageFilter, by: usageGroup.default("model") }),
    output: z.object({ data: z.array(usageRow), ...span }),
  },
  series: {
    query: z.strictObject({ ...usageFilter, bucket: z.enum(["hour", "day"]).default("day") }),
    output: z.object({ data: z.array(z.object({ at: time, ...sums })), ...span }),
  },
  filters: {
    query: z.strictObject({ since: moment.optional() }),
    output: z.object({
      key: names,
      user: names,
      team: names,
      service: names,
      model: names,
      provider: names,
      route: names,
      dialect: names,
      outcome: names,
    }),
  },
  recompute: {
    input: z.strictObject({
      since: moment,
      until: moment.optional(),
      provider: filterValue,
      model: filterValue,
      dry_run: z.boolean().default(false),
    }),
    output: z.object({
      rows: count,
      changed: count,
      before_cost_usd: z.number(),
      after_cost_usd: z.number(),
    }),
  },
};
