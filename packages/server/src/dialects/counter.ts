/** The value at a path of keys in something parsed; undefined if there is none. */
export function field(value: unknown, ...path: readonly string[]): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[key];
  }
  return at;
}

/** More than any reply can have, and little enough that sums of it stay exact. */
const mostCounted = 10_000_000_000;

/** A count of tokens: a whole number not below zero; undefined if there is no number. */
export function counter(value: unknown, ...path: readonly string[]): number | undefined {
  const found = field(value, ...path);
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
