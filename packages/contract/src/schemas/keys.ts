import * as z from "zod";
import { duration, line, page, paging, slug, time } from "./values.ts";

export const key = z.object({
  id: z.string(),
  /** A `caller` key opens the model routes, an `admin` key this API. */
  kind: z.enum(["caller", "admin"]),
  last_four: z.string(),
  user: z.string().nullable(),
  team: z.string().nullable(),
  service: z.string().nullable(),
  description: z.string().nullable(),
  /**
   * Patterns with `*`: with a slash they are for `provider/model`, without one for the model's id at any provider. `null`
   * allows every model.
   */
  models: z.array(z.string()).nullable(),
  /** Addresses and ranges it may be used from; `null` allows every address. */
  allow_ip: z.array(z.string()).nullable(),
  /** Providers whose own addresses it may call, under `/providers/{id}/`; `null` for none. */
  passthrough: z.array(z.string()).nullable(),
  status: z.enum(["active", "disabled", "expired"]),
  expires_at: time.nullable(),
  /** Until when the secret before the last rotation still opens. */
  previous_valid_until: time.nullable(),
  created_at: time,
  created_by: z.string(),
});

/** The one reply that holds the key itself. */
export const issuedKey = key.extend({ key: z.string() });

const create = z.strictObject({
  user: line.optional(),
  team: line.optional(),
  service: line.optional(),
  description: line.optional(),
  expires_in: duration.optional(),
  models: z.array(line).min(1).max(100).optional(),
  allow_ip: z.array(line).min(1).max(100).optional(),
  passthrough: z.array(slug).min(1).max(100).optional(),
  admin: z.boolean().default(false),
});

/** What is absent stays as it is; `null` takes it away. */
const update = z.strictObject({
  user: line.nullable().optional(),
  team: line.nullable().optional(),
  service: line.nullable().optional(),
  description: line.nullable().optional(),
  /** From now; `null`: for ever, which an admin key cannot be. */
  expires_in: duration.nullable().optional(),
  models: z.array(line).min(1).max(100).nullable().optional(),
  allow_ip: z.array(line).min(1).max(100).nullable().optional(),
  passthrough: z.array(slug).min(1).max(100).nullable().optional(),
});

const validation = z.object({
  valid: z.boolean(),
  /** Of a key that is known here, valid or not. */
  id: z.string().optional(),
  kind: z.enum(["caller", "admin"]).optional(),
  expires_at: time.nullable().optional(),
  /** Why it is not valid: an error code such as `key_expired`. */
  reason: z.string().optional(),
});

export const keys = {
  list: { query: z.strictObject(paging), output: page(key) },
  get: { output: key },
  create: { input: create, output: issuedKey },
  update: { input: update, output: key },
  disable: { output: key },
  enable: { output: key },
  /** `overlap`: how long the old secret still opens. */
  rotate: { input: z.strictObject({ overlap: duration.optional() }), output: issuedKey },
  remove: {},
  validate: { input: z.strictObject({ key: z.string().min(1).max(500) }), output: validation },
};
