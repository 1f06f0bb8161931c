/** A JSON object nobody has checked yet. */
export type JsonObject = { readonly [field: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value if it is an object, else an empty one. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

/** The objects of a list; nothing of anything else. */
export function objectsOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function stringOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

export function isInteger(value: unknown, least = 0): value is number {
  return Number.isSafeInteger(value) && Number(value) >= least;
}

/** The text parts of a message's content, which is a string or a list of parts, in every dialect. */
export function textsOf(content: unknown): readonly string[] {
  if (typeof content === "string") return [content];
  return objectsOf(content).flatMap((part) => (typeof part["text"] === "string" ? [part["text"]] : []));
}

/** The first problem that any of the checks finds, in order. */
export function firstOf<Item, Problem>(
  items: Iterable<Item>,
  check: (item: Item, index: number) => Problem | undefined,
): Problem | undefined {
  let index = 0;
  for (const item of items) {
    const problem = check(item, index++);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
