import * as z from "zod";
import { testResult } from "./providers.ts";
import { count, duration, line, page, paging, secretValue, time } from "./values.ts";

/** Whether and why an API key is used; `docs/credentials.md` tells each. */
const state = z.enum([
  "usable",
  "rolled_back",
  "failing",
  "refused",
  "source_failed",
  "unreadable",
  "sealed",
  "wrong_origin",
  "expired",
  "disabled",
]);

/** What is shown of an API key held in the vault. The key itself never leaves. */
export const credential = z.object({
  id: z.string(),
  provider: z.string(),
  label: z.string(),
  /** `environment`: it came with the start, and is not in the vault. */
  source: z.enum(["stored", "environment"]),
  /** Where the key is read from, if it is not in the vault itself: `vault:secret/data/openai#key`. */
  reference: z.string().nullable(),
  /** Its share of the traffic among credentials of the same priority. */
  weight: count,
  /** Lower numbers are used first. */
  priority: count,
  /** What an admin set; `state` tells whether it is used. */
  status: z.enum(["active", "disabled"]),
  state,
  last_four: z.string(),
  /** The origins the key is sealed to, such as `https://api.openai.com:443`. */
  origins: z.array(z.string()),
  expires_at: time.nullable(),
  tested_at: time.nullable(),
  test_ok: z.boolean().nullable(),
  test_error: z.string().nullable(),
  /** The key before the last rotation, while it may come back. */
  previous: z.object({ last_four: z.string(), until: time }).nullable(),
  /** How often it went wrong in traffic since it last worked, counted since the gateway's start. */
  trouble: z.object({ count, last_at: time }).nullable(),
  /** Of the last 24 hours; null in the reply to a change. */
  usage: z.object({ requests: count, errors: count, last_used_at: time.nullable() }).nullable(),
  created_at: time,
  updated_at: time,
});

/** Only what looks like a reference: whatever else was given may be a key, and must not reach the audit log. */
const reference = line
  .max(512)
  .regex(
    /^(?:env|file|vault|aws|gcp|azure|op):/,
    "must be a reference such as vault:secret/openai#key, not the key itself",
  );

const label = line.max(100);
const weight = z.int().min(1).max(1000);
const priority = z.int().min(0).max(1000);
const expiry = { expires_at: z.iso.datetime({ offset: true }).optional(), expires_in: duration.optional() };
const oneExpiry = {
  path: ["expires_in"],
  message: "cannot be given together with `expires_at`",
};

function hasOneExpiry(input: { readonly expires_at?: unknown; readonly expires_in?: unknown }): boolean {
  return input.expires_at === undefined || input.expires_in === undefined;
}

const create = z
  .strictObject({
    provider: z.string().min(1).max(64),
    value: secretValue.optional(),
    /** In the place of a value: where the key is read from whenever it is needed. */
    reference: reference.optional(),
    label: label.optional(),
    weight: weight.optional(),
    priority: priority.optional(),
    ...expiry,
    /** Ask the provider first whether it accepts the key, and store nothing if it does not. */
    test: z.boolean().default(false),
  })
  .refine(hasOneExpiry, oneExpiry)
  .refine((input) => (input.value === undefined) !== (input.reference === undefined), {
    path: ["value"],
    message: "or `reference` is required, and not both",
  });

/** What is absent stays as it is. */
const update = z
  .strictObject({
    label: label.optional(),
    weight: weight.optional(),
    priority: priority.optional(),
    /** `null`, here or in `expires_in`: it does not expire. */
    expires_at: z.iso.datetime({ offset: true }).nullable().optional(),
    expires_in: duration.nullable().optional(),
  })
  .refine(hasOneExpiry, oneExpiry);

const rotate = z
  .strictObject({
    value: secretValue,
    /** How long the key before is kept, to come back by itself if the provider refuses the new one; 30 days at most. */
    overlap: duration.optional(),
    /** Of the new key. Without it the credential does not expire, whatever held for the key before. */
    ...expiry,
    /** Ask the provider first whether it accepts the new key, and change nothing if it does not. */
    test: z.boolean().default(true),
  })
  .refine(hasOneExpiry, oneExpiry);

export const credentials = {
  list: {
    query: z.strictObject({ ...paging, provider: z.string().min(1).max(64).optional() }),
    output: page(credential),
  },
  create: { input: create, output: credential },
  get: { output: credential },
  update: { input: update, output: credential },
  rotate: { input: rotate, output: credential },
  reveal: { output: z.object({ id: z.string(), value: z.string() }) },
  test: { output: testResult },
  disable: { output: credential },
  enable: { output: credential },
  remove: {},
};
