// Replies of services are read leniently: only what is needed is looked at, and anything else may be there.

/** What stands under these names, one in the other; `undefined` if any of them is missing. */
export function at(value: unknown, ...names: readonly string[]): unknown {
  let found = value;
  for (const name of names) {
    if (typeof found !== "object" || found === null || Array.isArray(found) || !Object.hasOwn(found, name))
      return undefined;
    found = (found as Readonly<Record<string, unknown>>)[name];
  }
  return found;
}

/** Text that is not empty. */
export function textAt(value: unknown, ...names: readonly string[]): string | undefined {
  const found = at(value, ...names);
  return typeof found === "string" && found !== "" ? found : undefined;
}

/** A number, or digits in text. */
export function numberAt(value: unknown, ...names: readonly string[]): number | undefined {
  const found = at(value, ...names);
  if (typeof found === "number" && Number.isFinite(found)) return found;
  return typeof found === "string" && /^\d{1,15}$/.test(found) ? Number(found) : undefined;
}
