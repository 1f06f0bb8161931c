import * as z from "zod";
import { count, line, time } from "./values.ts";

/** Micro-dollars per million tokens. */
export const tokenPrice = z.object({
  input: count,
  output: count,
  cache_read: count.optional(),
  cache_write: count.optional(),
  cache_write_1h: count.optional(),
  reasoning: count.optional(),
  input_audio: count.optional(),
  output_audio: count.optional(),
  input_image: count.optional(),
  output_image: count.optional(),
});

/** Micro-dollars. A model that is sold by these alone charges nothing for tokens. */
export const unitPrice = z.object({
  image: count.optional(),
  million_characters: count.optional(),
  audio_hour: count.optional(),
  thousand_searches: count.optional(),
});

export const model = z.object({
  id: z.string(),
  provider_id: z.string(),
  /** As the provider calls it. */
  name: z.string(),
  display_name: z.string(),
  /** Where it is known from: the built-in catalog, an administrator, or the provider's own list. */
  source: z.enum(["catalog", "custom", "declared", "refreshed"]),
  /** `null` where the price is not known; such use is counted as unpriced, never as free. */
  price_micros_per_mtok: tokenPrice.nullable(),
  price_micros_per_unit: unitPrice.nullable(),
  context_tokens: count.nullable(),
  max_output_tokens: count.nullable(),
  created_at: time.nullable(),
});

const create = z.strictObject({
  name: z.string().trim().min(1).max(256),
  display_name: line.optional(),
  price_micros_per_mtok: z.strictObject(tokenPrice.shape).optional(),
  price_micros_per_unit: z.strictObject(unitPrice.shape).optional(),
  context_tokens: z.int().min(1).optional(),
  max_output_tokens: z.int().min(1).optional(),
});

export const models = {
  list: { output: z.array(model) },
  create: { input: create, output: model },
  remove: {},
  refresh: { output: z.object({ added: count, removed: count, total: count }) },
  canonical: { output: z.array(z.string()) },
};
