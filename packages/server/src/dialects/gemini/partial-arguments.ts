import { field, text } from "../counter.ts";

/*
 * The arguments of a call that come in pieces, each with the place where it belongs: `$.steps[0].text`. Texts come in several
 * pieces, of which each goes on where the last one at that place ended.
 */
export class PartialArguments {
  readonly #root: Container = new Map();
  #isBroken = false;

  add(piece: unknown): void {
    const path = pathOf(text(piece, "jsonPath") ?? "");
    const value = valueOf(piece);
    if (path === undefined || path.length > mostDepth) this.#isBroken = true;
    else if (value !== undefined) put(this.#root, path, value);
  }

  /** JSON; undefined where a piece said where it belongs in a way that is not known. */
  get json(): string | undefined {
    return this.#isBroken ? undefined : JSON.stringify(plain(this.#root));
  }
}

/** An object by its names, or a list by its indexes. */
type Container = Map<string | number, Part>;
type Part = Container | Scalar;
type Scalar = string | number | boolean | null;

const mostDepth = 64;
const mostIndex = 100_000;

/** Keys and indexes of a simple path of RFC 9535; undefined for any other. */
function pathOf(path: string): readonly (string | number)[] | undefined {
  const steps: (string | number)[] = [];
  const step = /\.([^.[\]]+)|\[(\d{1,6})\]|\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]/y;
  step.lastIndex = path.startsWith("$") ? 1 : 0;
  while (step.lastIndex < path.length) {
    const found = step.exec(path);
    if (found === null) return undefined;
    const [, name, index, single, double] = found;
    if (index === undefined) steps.push(name ?? (single ?? double ?? "").replaceAll(/\\(.)/g, "$1"));
    else steps.push(Number(index));
  }
  const isKnown = steps.length > 0 && steps.every((each) => typeof each === "string" || each < mostIndex);
  return isKnown ? steps : undefined;
}

function valueOf(piece: unknown): Scalar | undefined {
  for (const name of ["stringValue", "numberValue", "boolValue"]) {
    const value = field(piece, name);
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  }
  return field(piece, "nullValue") === undefined ? undefined : null;
}

function put(root: Container, path: readonly (string | number)[], value: Scalar): void {
  const [last = "", ...before] = path.toReversed();
  let at = root;
  for (const key of before.toReversed()) {
    const next = at.get(key);
    const container = next instanceof Map ? next : new Map<string | number, Part>();
    at.set(key, container);
    at = container;
  }
  const known = at.get(last);
  at.set(last, typeof known === "string" && typeof value === "string" ? known + value : value);
}

function plain(part: Part): unknown {
  if (!(part instanceof Map)) return part;
  const entries = [...part];
  const isList = entries.length > 0 && entries.every(([key]) => typeof key === "number");
  if (!isList) return Object.fromEntries(entries.map(([key, value]) => [key, plain(value)]));
  return entries.toSorted(([one], [other]) => Number(one) - Number(other)).map(([, value]) => plain(value));
}
