import { z } from "zod";
import { testResult } from "./providers.ts";
import { count, duration, line, page, paging, secretValue, time } from "./values.ts";

/** What is shown of an API key held in the vault. The key itself never leaves. */
export const credential = z.object({
  id: z.string(),
  provider: z.string(),
  label: z.string(),
  /** Its share of the traffic among credentials of the same priority. */
  weight: count,
  /** Lower numbers are used first. */
  priority: count,
  status: z.enum(["active", "disabled"]),
  last_four: z.string(),
  /** The origins the key is sealed to, such as `https://api.openai.com:443`. */
  origins: z.array(z.string()),
  expires_at: time.nullable(),
  tested_at: time.nullable(),
  test_ok: z.boolean().nullable(),
  test_error: z.string().nullable(),
  created_at: time,
  updated_at: time,
});

const create = z
  .strictObject({
    provider: z.string().min(1).max(64),
    value: secretValue,
    label: line.optional(),
    weight: z.int().min(1).max(1000).optional(),
    priority: z.int().min(0).max(1000).optional(),
    expires_at: z.iso.datetime({ offset: true }).optional(),
    expires_in: duration.optional(),
    /** Ask the provider first whether it accepts the key, and store nothing if it does not. */
    test: z.boolean().default(false),
  })
  .refine((input) => input.expires_at === undefined || input.expires_in === undefined, {
    path: ["expires_in"],
    message: "cannot be given together with `expires_at`",
  });

export const credentials = {
  list: {
    query: z.strictObject({ ...paging, provider: z.string().min(1).max(64).optional() }),
    output: page(credential),
  },
  create: { input: create, output: credential },
  test: { output: testResult },
  disable: { output: credential },
  enable: { output: credential },
  remove: {},
};
