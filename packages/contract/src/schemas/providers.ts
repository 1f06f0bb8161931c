import * as z from "zod";
import { model } from "./models.ts";
import { count, line, secretValue, slug, time } from "./values.ts";

export const dialect = z.enum(["anthropic-messages", "gemini", "ollama", "openai-chat", "openai-responses"]);

export const provider = z.object({
  id: z.string(),
  /** The same as `id`: what routes, keys and `provider/model` call it by. */
  name: z.string(),
  display_name: z.string(),
  base_url: z.string(),
  /** The first of `dialects`. */
  dialect,
  dialects: z.array(dialect),
  allow_private: z.boolean(),
  /** `false` for those that come with Portcullis. */
  custom: z.boolean(),
  has_api_key: z.boolean(),
  models: z.array(model),
  /** What the last tests of its credentials said. */
  health: z.enum(["unknown", "ok", "failing"]),
  created_at: time.nullable(),
  updated_at: time.nullable(),
});

/** The answer of a provider to a test call. */
export const testResult = z.object({
  ok: z.boolean(),
  latency_ms: count,
  /** How many models it listed. */
  models: count,
  error: z.string().optional(),
});

/** A password or key in an address is refused here, before the address is written into the audit log. */
const baseUrl = z
  .string()
  .max(512)
  .regex(/^https?:\/\/[\x21-\x7e]+$/i, "must be an address that begins with http:// or https://, without spaces")
  .refine((text) => !/[?#]|^[^/]*\/\/[^/]*@/.test(text), "must not hold a user name, a query or a fragment");

/** A list, or the same as one text with commas. */
const modelNames = z.union([
  z.array(z.string().trim().min(1).max(256)),
  z.string().transform((text) =>
    text
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== ""),
  ),
]);

/** Second path segments that are addresses of their own and can therefore not be ids. */
const taken = new Set(["models", "with-keys"]);

const create = z
  .strictObject({
    /** `id` and `name` say the same; one of them is needed. */
    id: slug.optional(),
    name: slug.optional(),
    display_name: line.optional(),
    base_url: baseUrl,
    api_key: secretValue.optional(),
    models: modelNames.optional(),
    dialect: dialect.optional(),
    allow_private: z.boolean().optional(),
  })
  .transform(({ id, name, ...rest }, context) => {
    const chosen = id ?? name;
    if (chosen === undefined || (name !== undefined && name !== chosen) || taken.has(chosen)) {
      const message =
        chosen === undefined ? "is required" : taken.has(chosen) ? "is a reserved word" : "and `name` must be the same";
      context.addIssue({ code: "custom", path: ["id"], message });
      return z.NEVER;
    }
    return { ...rest, id: chosen };
  });

const update = z.strictObject({
  display_name: line.optional(),
  base_url: baseUrl.optional(),
  /** `null` removes the key; leaving it out keeps it. */
  api_key: secretValue.nullable().optional(),
});

export const providers = {
  list: { output: z.array(provider) },
  withKeys: { output: z.array(provider) },
  get: { output: provider },
  create: { input: create, output: provider },
  update: { input: update, output: provider },
  remove: {},
  test: { input: z.strictObject({ api_key: secretValue.optional() }), output: testResult },
};
