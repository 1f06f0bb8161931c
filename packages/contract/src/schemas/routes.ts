import * as z from "zod";
import { tokenPrice, unitPrice } from "./models.ts";
import { dialect } from "./providers.ts";
import { line, page, paging, time } from "./values.ts";

const tier = z.enum(["reasoning", "completion", "value"]);

/** What happens to a request that cannot be translated without loss. */
const lossy = z.enum(["allow", "deny"]);

export const route = z.object({
  /** What callers ask for; a pattern if it holds `*`. */
  name: z.string(),
  /** `provider/model`; `null` for a route with tiers. */
  targets: z.array(z.string()).nullable(),
  /** `provider/model` by tier; where it is `null`, requests of that tier go to `completion`. */
  tiers: z
    .object({ reasoning: z.string().nullable(), completion: z.string(), value: z.string().nullable() })
    .nullable(),
  /** `null`: as the setting `translation.lossy` says. */
  lossy: lossy.nullable(),
  display_name: z.string().nullable(),
  /** A declared one stands in the configuration file and is read-only here. */
  source: z.enum(["stored", "declared"]),
  /** Why requests for it are refused, if they are. */
  problem: z.string().nullable(),
  created_at: time.nullable(),
  updated_at: time.nullable(),
});

/** `provider/model` */
const target = z.string().trim().min(1).max(400);

/** Exactly one of `target`, `targets` and `tiers`. */
const set = z.strictObject({
  target: target.optional(),
  targets: z.array(target).min(1).max(100).optional(),
  tiers: z.strictObject({ reasoning: target.optional(), completion: target, value: target.optional() }).optional(),
  lossy: lossy.optional(),
  display_name: line.optional(),
});

const question = z.strictObject({
  model: z.string().min(1).max(1_000),
  /** What the caller speaks. */
  dialect: dialect.default("openai-chat"),
  /** Whether the request has thinking (reasoning) turned on. */
  thinking: z.boolean().default(false),
  /** Whether a key may do this. */
  key_id: z.string().min(1).max(100).optional(),
  /** The body of such a request, to be told what translation would leave out. */
  request: z.record(z.string(), z.unknown()).optional(),
});

/** What is `null` is not known, because of the `problem`. */
export const explanation = z.object({
  model: z.string(),
  /** The name or pattern that the model was found by; `null` where it is none. */
  route: z.string().nullable(),
  /** `null` where the route has no tiers. */
  tier: tier.nullable(),
  target: z.object({ provider: z.string(), model: z.string() }).nullable(),
  /** Of the caller. */
  dialect,
  /** What the provider is spoken to in. */
  upstream_dialect: dialect.nullable(),
  translated: z.boolean(),
  lossy: lossy.nullable(),
  /** The id of the credential whose turn it is; `null` where none is needed, or there is none. */
  credential: z.string().nullable(),
  price_micros_per_mtok: tokenPrice.nullable(),
  price_micros_per_unit: unitPrice.nullable(),
  /** What translation would leave out or change of the request; `null` where none was given, or none is translated. */
  losses: z
    .array(z.object({ path: z.string(), kind: z.enum(["dropped", "changed", "hint"]), why: z.string() }))
    .nullable(),
  /** Whether the key may do it; `null` where no key was named. */
  allowed: z.boolean().nullable(),
  /** Why such a request would be refused, as its caller would be told. */
  problem: z.object({ code: z.string(), detail: z.string(), hint: z.string().nullable() }).nullable(),
});

export const routes = {
  list: { query: z.strictObject(paging), output: page(route) },
  get: { output: route },
  set: { input: set, output: route },
  remove: {},
  explain: { input: question, output: explanation },
};
