import * as z from "zod";
import { secretMaxBytes } from "../secret-names.ts";
import { count, page, time } from "./values.ts";

/** What is shown of a named secret. */
export const secret = z.object({
  name: z.string(),
  /** 1 when it was first set, one more with each value since. */
  version: count,
  updated_at: time,
  /** Where else programs look for it. */
  environment: z.array(z.string()),
});

/** Any text, such as a key, a password, a certificate or a JSON document. */
const value = z
  .string()
  .min(1, "must not be empty")
  .refine((text) => text.isWellFormed(), "must be text that UTF-8 can hold")
  .refine((text) => new TextEncoder().encode(text).length <= secretMaxBytes, `must be at most ${secretMaxBytes} bytes`);

/** A page may hold all of a large vault: names are short. */
const paging = {
  limit: z.coerce.number<number | string>().int().min(1).max(10_000).default(50),
  /** The `next_cursor` of the page before. */
  cursor: z.string().min(1).max(200).optional(),
};

export const secrets = {
  list: { query: z.strictObject(paging), output: page(secret) },
  names: { output: z.object({ data: z.array(secret.pick({ name: true, environment: true })) }) },
  put: { input: z.strictObject({ value }), output: secret },
  remove: {},
  reveal: { input: z.strictObject({}), output: z.object({ name: z.string(), value: z.string() }) },
};
