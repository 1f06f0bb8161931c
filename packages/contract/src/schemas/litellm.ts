import * as z from "zod";
import { duration, line, time } from "./values.ts";

/*
 * Requests are read leniently, as LiteLLM reads them: what is empty counts as absent. What this gateway would not do
 * (a budget, a rate limit, a key of the caller's own choice) is refused by name rather than dropped, since a script that
 * sets a limit relies on it.
 */

/** The key itself, or the `token` that stands for it, which here is its id. */
const keyName = z.string().min(1).max(500);

function isNothing(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === null || value === undefined || value === "" || value === false;
}

const notDone = z.unknown().refine(isNothing, "this gateway does not have this; leave it out").optional();

const limits = {
  max_budget: notDone,
  soft_budget: notDone,
  budget_duration: notDone,
  budget_id: notDone,
  tpm_limit: notDone,
  rpm_limit: notDone,
  max_parallel_requests: notDone,
  model_max_budget: notDone,
  model_rpm_limit: notDone,
  model_tpm_limit: notDone,
  aliases: notDone,
  config: notDone,
  guardrails: notDone,
  metadata: notDone,
  permissions: notDone,
  tags: notDone,
};

const described = {
  key_alias: line.nullable().optional(),
  user_id: line.nullable().optional(),
  team_id: line.nullable().optional(),
  duration: duration.nullable().optional(),
  /** None, or an empty list, allows every model. */
  models: z.array(line).max(100).nullable().optional(),
};

const generated = z.looseObject({
  key: z.string(),
  token: z.string(),
  key_name: z.string(),
  key_alias: z.string().nullable(),
  user_id: z.string().nullable(),
  team_id: z.string().nullable(),
  models: z.array(z.string()),
  expires: time.nullable(),
});

const info = z.looseObject({
  key_name: z.string(),
  key_alias: z.string().nullable(),
  spend: z.number(),
  expires: time.nullable(),
  models: z.array(z.string()),
  user_id: z.string().nullable(),
  team_id: z.string().nullable(),
  blocked: z.boolean(),
  created_at: time,
});

const day = z.iso.date();

export const litellm = {
  generate: { input: z.strictObject({ ...described, ...limits, key: notDone }), output: generated },
  info: { query: z.strictObject({ key: keyName }), output: z.object({ key: z.string(), info }) },
  list: {
    query: z.strictObject({
      page: z.coerce.number<number | string>().int().min(1).default(1),
      size: z.coerce.number<number | string>().int().min(1).max(500).default(100),
      user_id: line.optional(),
      team_id: line.optional(),
      key_alias: line.optional(),
    }),
    output: z.object({
      keys: z.array(z.string()),
      total_count: z.int(),
      current_page: z.int(),
      total_pages: z.int(),
    }),
  },
  update: {
    input: z.strictObject({ ...described, ...limits, key: keyName }),
    output: info.extend({ key: z.string() }),
  },
  remove: {
    input: z.strictObject({ keys: z.array(keyName).min(1).max(500) }),
    output: z.object({ deleted_keys: z.array(z.string()) }),
  },
  regenerate: { input: z.strictObject({ key: keyName }), output: generated },
  regenerateNamed: { input: z.strictObject({}), output: generated },
  block: { input: z.strictObject({ key: keyName }), output: info.extend({ token: z.string() }) },
  unblock: { input: z.strictObject({ key: keyName }), output: info.extend({ token: z.string() }) },
  spendLogs: {
    query: z.strictObject({
      start_date: day.optional(),
      end_date: day.optional(),
      api_key: keyName.optional(),
      user_id: line.optional(),
      request_id: line.optional(),
    }),
    output: z.array(z.looseObject({ request_id: z.string(), spend: z.number().nullable() })),
  },
};
