import { isUtf8 } from "node:buffer";
import { openFernet } from "./fernet.ts";
import { failed, type Finding, type Left, type ReaderContext } from "./finding.ts";
import { readVariables, type Variable } from "./variables.ts";

/** A token and what it is called. */
export interface FernetEntry {
  readonly place: string;
  readonly name: string;
  readonly token: string;
}

/** One token for a value each. */
export function readFernetEntries(
  entries: readonly FernetEntry[],
  keys: readonly Buffer[],
  context: ReaderContext,
): readonly Finding[] {
  const left: Left[] = [];
  const variables: Variable[] = [];
  for (const { place, name, token } of entries) {
    const value = openText(token, keys);
    if (typeof value === "string") variables.push({ place, name, value });
    else left.push(failed(place, "secret", name, value.problem));
  }
  return [...readVariables(variables, context, "keep"), ...left];
}

/** A file that is one token: of one value, called `name`, or of a JSON object that holds values by their names. */
export function readFernetFile(
  token: string,
  name: string,
  keys: readonly Buffer[],
  context: ReaderContext,
): readonly Finding[] {
  const value = openText(token, keys);
  if (typeof value !== "string") return [failed("the file", "secret", name, value.problem)];
  const named = parseNamed(value);
  if (named === undefined) return readVariables([{ place: "the file", name, value }], context, "keep");
  const variables: Variable[] = [];
  const left: Left[] = [];
  for (const [key, content] of Object.entries(named)) {
    if (typeof content === "string") variables.push({ place: key, name: key, value: content });
    else left.push(failed(key, "secret", key, "it is not a text"));
  }
  return [...readVariables(variables, context, "keep"), ...left];
}

/** The tokens of a JSON object, by name; `undefined` if it is no such object. */
export function fernetEntriesOf(content: unknown): readonly FernetEntry[] | undefined {
  if (typeof content !== "object" || content === null || Array.isArray(content)) return undefined;
  const entries = Object.entries(content);
  if (entries.length === 0 || !entries.every(([, token]) => typeof token === "string")) return undefined;
  return entries.map(([name, token]) => ({ place: name, name, token: String(token) }));
}

function openText(token: string, keys: readonly Buffer[]): string | { readonly problem: string } {
  const bytes = openFernet(token, keys);
  if (bytes === undefined) return { problem: "it does not open with this key, or is damaged" };
  if (!isUtf8(bytes)) return { problem: "it opens, but to something that is not text" };
  return bytes.toString("utf8");
}

function parseNamed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}
