/** A field of something that another program wrote. Of what is not as expected, nothing is made. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Without the white space around it; `undefined` for what is no text, or empty. */
export function textOf(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const text = value.trim();
  return text === "" ? undefined : text;
}

/** A number, also as text (`5e-7` is text to some parsers). */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "string" && /^\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(value.trim())) return Number(value);
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** Of a list the texts; of one text its parts between commas. */
export function textsOf(value: unknown): readonly string[] {
  const parts: readonly unknown[] = typeof value === "string" ? value.split(",") : Array.isArray(value) ? value : [];
  return [...new Set(parts.flatMap((part) => textOf(part) ?? []))];
}

/** A line of text as names and descriptions are here; what is too long is cut. */
export function lineOf(value: unknown, most = 200): string | undefined {
  const text = textOf(value)
    ?.replaceAll(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/gu, " ")
    .trim();
  return text === undefined || text === "" ? undefined : text.slice(0, most);
}

/**
 * A point in time from ISO 8601 (one without a zone is UTC), or from seconds or milliseconds since 1970; `undefined` for
 * anything else.
 */
export function timeOf(value: unknown): string | undefined {
  const count = numberOf(value);
  if (count !== undefined) return isoOf(count < 1e11 ? count * 1000 : count);
  const text = textOf(value);
  const parts =
    text === undefined
      ? null
      : /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/i.exec(text);
  if (parts === null) return undefined;
  const [, day = "", clock = "00:00:00", fraction = "", zone = "Z"] = parts;
  return isoOf(Date.parse(`${day}T${clock}${fraction.slice(0, 4)}${zone}`));
}

function isoOf(ms: number): string | undefined {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 ? undefined : date.toISOString();
}
