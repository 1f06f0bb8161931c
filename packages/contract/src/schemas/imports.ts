import * as z from "zod";
import { secretMaxBytes, secretName } from "../secret-names.ts";
import { dialect } from "./providers.ts";
import { tokenPrice, unitPrice } from "./models.ts";
import { count, line, secretValue, slug } from "./values.ts";

/** Where the source sends what belongs to a provider. */
const address = z
  .string()
  .max(512)
  .regex(/^https?:\/\/[\x21-\x7e]+$/i, "must be an address that begins with http:// or https://, without spaces")
  .refine((text) => !/[?#]|^[^/]*\/\/[^/]*@/.test(text), "must not hold a user name, a query or a fragment");

const label = line.max(100);
const moment = z.iso.datetime({ offset: true });

/** A provider is found again by its address; its id may turn out another one where this is taken. */
const provider = z.strictObject({
  kind: z.literal("provider"),
  id: slug,
  name: label.optional(),
  base_url: address,
  dialect: dialect.optional(),
  allow_private: z.boolean().optional(),
});

/** With `base_url`, the provider at that address is meant, whatever it is called here. */
const ofProvider = { provider: slug, base_url: address.optional() };

const model = z.strictObject({
  kind: z.literal("model"),
  ...ofProvider,
  name: z
    .string()
    .max(256)
    .regex(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/, "must be printable ASCII"),
  display_name: label.optional(),
  price_micros_per_mtok: z.strictObject(tokenPrice.shape).optional(),
  price_micros_per_unit: z.strictObject(unitPrice.shape).optional(),
  context_tokens: z.int().min(1).optional(),
  max_output_tokens: z.int().min(1).optional(),
});

const credential = z
  .strictObject({
    kind: z.literal("credential"),
    provider: slug.optional(),
    /** Instead of `provider`: the variable that the key is in, such as `OPENAI_API_KEY`. */
    variable: z
      .string()
      .regex(/^[A-Z][A-Z0-9_]{0,99}$/, "must be the name of a variable, in upper case")
      .optional(),
    /** Where the source sends the key. If that is not the provider's address, the key is not taken. */
    base_url: address.optional(),
    value: secretValue.optional(),
    /** Instead of `value`: where the key is to be read from when it is used, such as `env:OPENAI_API_KEY`. */
    reference: line.optional(),
    label: label.optional(),
    weight: z.int().min(1).max(1000).optional(),
    priority: z.int().min(0).max(1000).optional(),
    expires_at: moment.optional(),
  })
  .refine((item) => (item.provider === undefined) !== (item.variable === undefined), {
    path: ["provider"],
    message: "or `variable` is needed, and not both",
  })
  .refine((item) => (item.value === undefined) !== (item.reference === undefined), {
    path: ["value"],
    message: "or `reference` is needed, and not both",
  });

const secret = z.strictObject({
  kind: z.literal("secret"),
  name: z.string().regex(secretName, "must be lower-case letters, digits, `_`, `.` and `-`, at most 128"),
  value: z
    .string()
    .min(1)
    .refine(
      (text) => new TextEncoder().encode(text).length <= secretMaxBytes,
      `must be at most ${secretMaxBytes} bytes`,
    ),
});

/** A key of callers. Its secret is made anew, whatever it was at the source. */
const key = z.strictObject({
  kind: z.literal("key"),
  /** Tells it from others that say the same; a digest of the key at the source, for one. */
  source_id: z.string().min(1).max(200).optional(),
  user: line.optional(),
  team: line.optional(),
  service: line.optional(),
  description: line.optional(),
  models: z.array(line).min(1).max(100).optional(),
  allow_ip: z.array(line).min(1).max(100).optional(),
  expires_at: moment.optional(),
  disabled: z.boolean().optional(),
});

export const importItem = z.discriminatedUnion("kind", [provider, model, credential, secret, key]);

const run = z.strictObject({
  /** What the items come from, such as `litellm`. The same item of another source is another item. */
  source: slug,
  items: z.array(importItem).max(500),
  /** Say what would be done, and do nothing. */
  dry_run: z.boolean().default(false),
  /** Bring what was imported before and deleted since once more. */
  again: z.boolean().default(false),
});

/** What became of one item. It never holds a value, but for the new key of a `key`. */
const importResult = z.object({
  kind: z.enum(["provider", "model", "credential", "secret", "key"]),
  name: z.string(),
  /** `imported`: made, or with `dry_run` would be. `present`: was there. */
  outcome: z.enum(["imported", "present", "skipped", "failed"]),
  /** The id of what was made or found. */
  target: z.string().nullable(),
  reason: z.string().nullable(),
  /** Of a `key` that was made: the key itself, which only this reply holds. */
  key: z.string().optional(),
});

/** In the order of the items. */
export const importReport = z.object({
  dry_run: z.boolean(),
  items: z.array(importResult),
  imported: count,
  present: count,
  skipped: count,
  failed: count,
});

export const imports = { run: { input: run, output: importReport } };
