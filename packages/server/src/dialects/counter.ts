/** The value at a path of keys in something parsed; undefined if there is none. */
export function field(value: unknown, ...path: readonly string[]): unknown {
  let at = value;
  for (const key of path) at = member(at, key);
  return at;
}

function member(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}

/** More than any reply can have, and little enough that sums of it stay exact. */
const mostCounted = 10_000_000_000;

/** A count of tokens: a whole number not below zero; undefined if there is no number. The value, or what lies one or two keys within. */
export function counter(value: unknown, key?: string, inner?: string): number | undefined {
  const outer = key === undefined ? value : member(value, key);
  const found = inner === undefined ? outer : member(outer, inner);
  if (typeof found !== "number") return undefined;
  return Math.min(Math.max(Math.floor(found), 0), mostCounted);
}

/** A text that says something. */
export function text(value: unknown, ...path: readonly string[]): string | undefined {
  const found = field(value, ...path);
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** What kind of error a reply states, in the first of the keys that says it; undefined if it states none. */
export function errorType(error: unknown, ...keys: readonly string[]): string | undefined {
  if (error === undefined || error === null) return undefined;
  return keys.map((key) => text(error, key)).find((type) => type !== undefined) ?? "error";
}
