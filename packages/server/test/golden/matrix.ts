import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { dialects, type DialectId } from "../../src/dialects/index.ts";

/*
 * The names of the files here are the matrix. `requests/<dialect>/` and `replies/<dialect>/` hold cases as they come in that
 * dialect, `<case>.json` (or `.sse`, `.ndjson`), and beside each what becomes of it in each other one,
 * `<case>.<dialect>.golden.json`. Cases that are recorded for other tests too lie in `test/fixtures`; only what becomes of them
 * lies here. `<case>.with.json` says what a case needs besides.
 */

export const dialectIds: readonly DialectId[] = dialects.map(({ id }) => id);
export const folder = import.meta.dirname;
export const fixtures = join(folder, "../fixtures");

export interface Case {
  readonly name: string;
  readonly from: DialectId;
  readonly file: string;
  /** What `<case>.with.json` holds; an empty object where there is none. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Where its golden files lie. */
  readonly beside: string;
}

const casePattern = /^([a-z0-9-]+)\.(?:json|sse|ndjson)$/;

/** The cases of one kind: those that lie here, and the recorded ones, given as paths under `test/fixtures/<dialect>`. */
export function casesOf(
  kind: "requests" | "replies",
  recorded: (from: DialectId) => readonly string[],
): readonly Case[] {
  return dialectIds.flatMap((from) => {
    const beside = join(folder, kind, from);
    const own = readdirSync(beside)
      .filter((name) => casePattern.test(name))
      .map((name) => join(beside, name));
    const others = recorded(from).map((path) => join(fixtures, from, path));
    return [...own, ...others].toSorted().map((file): Case => {
      const name = casePattern.exec(file.slice(file.lastIndexOf("/") + 1))?.[1] ?? "";
      const extra = join(beside, `${name}.with.json`);
      return { name, from, file, settings: existsSync(extra) ? parsedFile(extra) : {}, beside };
    });
  });
}

export function parsedFile(file: string): Readonly<Record<string, unknown>> {
  return JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, unknown>>;
}

/** What a case is translated to: every other dialect, unless its `only` says that it can come about in some only. */
export function targetsOf({ from, settings }: Case): readonly DialectId[] {
  const { only } = settings;
  return dialectIds.filter((id) => id !== from && (!Array.isArray(only) || only.includes(id)));
}

/** Whether golden files are to be written anew, and not looked at. */
const isWriting = process.env["PORTCULLIS_GOLDEN"] === "write";

/** Fails unless the golden file says the same. `ending` is what follows the name of the case. */
export function agrees({ beside, name }: Case, ending: string, text: string): void {
  const file = join(beside, `${name}.${ending}`);
  if (isWriting) writeFileSync(file, text);
  const golden = existsSync(file) ? readFileSync(file, "utf8") : undefined;
  assert.equal(text, golden, `${file} is not what comes out now; see CONTRIBUTING.md on how to write it anew`);
}

/** Every golden file has a case, and every file here a purpose. */
export function nothingElse(kind: "requests" | "replies", expected: ReadonlySet<string>): void {
  for (const from of dialectIds) {
    for (const name of readdirSync(join(folder, kind, from))) {
      const isKnown = expected.has(`${from}/${name}`);
      if (isWriting && !isKnown && name.includes(".golden.")) rmSync(join(folder, kind, from, name));
      else assert.ok(isKnown, `${kind}/${from}/${name} belongs to no case`);
    }
  }
}

/** The files that a case has in its folder, as `<dialect>/<name>`. */
export function filesOf({ name, from, file, settings, beside }: Case): readonly string[] {
  const own = file.startsWith(beside) ? [file.slice(beside.length + 1)] : [];
  const extra = Object.keys(settings).length > 0 ? [`${name}.with.json`] : [];
  return [...own, ...extra].map((each) => `${from}/${each}`);
}

/** Numbers as they are written (`1.0`, twenty digits): the engine can do that, but its types do not know it yet. */
const exactJson = JSON as unknown as {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): boolean;
};

export function parsedExactly(text: string): unknown {
  return exactJson.parse(text, (_key, value, { source }) => {
    return typeof value === "number" && source !== undefined ? exactJson.rawJSON(source) : value;
  });
}

const mostColumns = 130;

/** JSON for people: what fits on a line stands on one. */
export function readable(value: unknown, indent = ""): string {
  const line = oneLine(value);
  if (indent.length + line.length <= mostColumns || typeof value !== "object" || value === null) return line;
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    return `[\n${value.map((each) => inner + readable(each, inner)).join(",\n")}\n${indent}]`;
  }
  const entries = Object.entries(value).map(
    ([key, each]) => `${inner}${JSON.stringify(key)}: ${readable(each, inner)}`,
  );
  return `{\n${entries.join(",\n")}\n${indent}}`;
}

function oneLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(oneLine).join(", ")}]`;
  if (typeof value !== "object" || value === null || exactJson.isRawJSON(value)) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${oneLine(each)}`);
  return entries.length === 0 ? "{}" : `{ ${entries.join(", ")} }`;
}
