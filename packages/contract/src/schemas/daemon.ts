import * as z from "zod";
import { count, line, secretValue, time } from "./values.ts";

const providers = z.object({
  providers: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      base_url: z.string(),
      has_key: z.boolean(),
      last_tested: time.nullable(),
    }),
  ),
});

const tested = z.object({
  success: z.boolean(),
  error_message: z.string().nullable(),
  latency_ms: count.nullable(),
  provider_status: z.string().nullable(),
});

/** Of what is said about a key, the label is kept, and shown again; the rest is for the client's own use. */
const store = z.strictObject({
  api_key: secretValue,
  metadata: z
    .object({ label: line.max(100).optional() })
    .catchall(z.unknown())
    .nullable()
    .optional(),
});

const stored = z.object({
  message: z.string(),
  id: z.string(),
  provider: z.string(),
  masked_key: z.string(),
  metadata: z.object({ label: z.string() }),
});

/** A provider's key. `api_key` is null unless it may be shown to this caller. */
const shown = z.object({
  id: z.string(),
  provider: z.string(),
  masked_key: z.string(),
  api_key: z.string().nullable(),
  metadata: z.object({
    label: z.string(),
    created_at: time,
    updated_at: time,
    last_tested: time.nullable(),
    test_ok: z.boolean().nullable(),
  }),
});

const done = z.object({ message: z.string() });

/** `?validate=false` */
const yesOrNo = z.enum(["true", "false", "1", "0"]).default("true");

export const daemon = {
  providers: { output: providers },
  test: { input: z.strictObject({ api_key: secretValue.optional() }), output: tested },
  store: { query: z.strictObject({ validate: yesOrNo }), input: store, output: stored },
  show: { output: shown },
  remove: { output: done },
  listProviders: { output: providers },
  storeUntested: { input: store, output: stored },
  removeOf: { output: done },
  testStored: { input: z.strictObject({}), output: tested },
};
