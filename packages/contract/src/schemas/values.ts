import * as z from "zod";

/** `2026-01-31T08:00:00.000Z` */
export const time = z.iso.datetime();

/** `90s`, `15m`, `24h`, `30d`, `2w` */
export const duration = z.string().regex(/^\d{1,9}(ms|s|m|h|d|w)$/, "must be a duration like 15m, 24h or 30d");

/** A point in time: `2026-01-31T08:00:00Z`, `2026-01-31`, or a duration that reaches back from now. */
export const moment = z.union([z.iso.datetime({ offset: true }), z.iso.date(), duration], {
  error: "must be a time like 2026-01-31T08:00:00Z, a date like 2026-01-31, or a duration like 24h",
});

/** A line of text that people gave: no control characters, and none that turn the direction of writing. */
export const line = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^[^\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]*$/u, "must not hold control characters");

/** The id of a provider, as it appears in addresses and in `provider/model`. */
export const slug = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, "must be lower-case letters, digits, `_` and `-`, at most 64");

/** A provider's API key: it travels in a header, so it is printable ASCII without spaces. */
export const secretValue = z
  .string()
  .min(1)
  .max(8192)
  .regex(/^[\x21-\x7e]+$/, "must be printable ASCII without spaces");

/** A reply that is a file. */
export const fileContent = z.custom<AsyncIterable<Uint8Array>>();

export const count = z.int().min(0);

export const paging = {
  limit: z.coerce.number<number | string>().int().min(1).max(500).default(50),
  /** The `next_cursor` of the page before. */
  cursor: z.string().min(1).max(200).optional(),
};

export function page<Item extends z.ZodType>(item: Item) {
  return z.object({ data: z.array(item), next_cursor: z.string().nullable() });
}

/** The body of every error, `application/problem+json` (RFC 9457). */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().optional(),
  hint: z.string().optional(),
  request_id: z.string().optional(),
});
