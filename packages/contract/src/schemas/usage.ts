import { z } from "zod";
import { count, moment, time } from "./values.ts";

export const usageGroup = z.enum(["key", "user", "team", "service", "model", "provider", "session"]);

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
  session: filterValue,
};

const groupName = z.string().nullable().optional();

/** The sums of one group. It names the group under the word asked for: `{"model": "gpt-5", …}`; `null` is "none". */
export const usageRow = z.object({
  key: groupName,
  user: groupName,
  team: groupName,
  service: groupName,
  model: groupName,
  provider: groupName,
  session: groupName,
  requests: count,
  errors: count,
  input_tokens: count,
  output_tokens: count,
  cache_read_tokens: count,
  cache_write_tokens: count,
  reasoning_tokens: count,
  cost_usd: z.number(),
  /** Requests whose price is not known; they are not in `cost_usd`. */
  unpriced_requests: count,
});

export const usage = {
  sum: {
    query: z.strictObject({ ...usageFilter, by: usageGroup.default("model") }),
    output: z.object({ data: z.array(usageRow), since: time.nullable(), until: time.nullable() }),
  },
};
