import { failed, skipped, type Finding, type Left, type ReaderContext } from "./finding.ts";
import { readVariables, type Variable } from "./variables.ts";

/*
 * `.env` files. There is no standard; what is read here is what shells and the well-known libraries agree on: comments,
 * `export`, three kinds of quotes that may span lines, and escapes within double quotes. Nothing is ever expanded or
 * executed: a value with `$NAME`, `${NAME}` or `$(command)` in it would mean something else than it says, so it fails
 * alone, unless single quotes say that it is meant as it stands.
 */

interface Entry {
  readonly line: number;
  readonly name: string;
  readonly value: string;
  /** Why the value is none. */
  readonly problem?: string;
}

export function readDotenv(text: string, context: ReaderContext): readonly Finding[] {
  const left: Left[] = [];
  const variables: Variable[] = [];
  const entries = parseEntries(text);
  const last = new Map(entries.map(({ name, line }) => [name, line]));
  for (const { line, name, value, problem } of entries) {
    const place = `line ${line}`;
    if (problem !== undefined) left.push(failed(place, "variable", name, problem));
    else if (last.get(name) !== line)
      left.push(skipped(place, "variable", name, `line ${last.get(name)} sets it again`));
    else variables.push({ place, name, value });
  }
  const read = readVariables(variables, context, context.keepSecrets ? "keepLikely" : "mention");
  return [...read, ...left].toSorted((one, other) => lineOf(one) - lineOf(other));
}

function lineOf({ place }: Finding): number {
  return Number(place.slice("line ".length));
}

const head = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=[ \t]*/;

export function parseEntries(text: string): readonly Entry[] {
  const entries: Entry[] = [];
  const lines = text.replaceAll(/\r\n?/g, "\n").split("\n");
  for (let index = 0; index < lines.length; index++) {
    const content = lines[index] ?? "";
    const line = index + 1;
    if (/^\s*(?:#.*)?$/.test(content) || /^\s*export\s+[A-Za-z_][\w ]*$/.test(content)) continue;
    const found = head.exec(content);
    if (found === null) {
      entries.push({ line, name: `line ${line}`, value: "", problem: "this is no NAME=value" });
      continue;
    }
    const [start, name = ""] = found;
    const read = readValue(lines, index, content.slice(start.length));
    entries.push({ line, name, ...read.result });
    index = read.lastLine;
  }
  return entries;
}

interface Read {
  readonly result: { readonly value: string; readonly problem?: string };
  readonly lastLine: number;
}

function readValue(lines: readonly string[], index: number, rest: string): Read {
  const quote = rest[0] ?? "";
  if (quote === '"' || quote === "'" || quote === "`") return readQuoted(lines, index, rest, quote);
  const value = rest.replace(/(?:^|[ \t])#.*$/, "").trim();
  return { result: unexpanded(value), lastLine: index };
}

const mostLines = 200;

/** What follows the opening quote, up to the closing one, on this line or a later one. */
function readQuoted(lines: readonly string[], index: number, rest: string, quote: string): Read {
  let text = rest.slice(1);
  for (let line = index; line < Math.min(lines.length, index + mostLines); line++) {
    if (line > index) text += `\n${lines[line] ?? ""}`;
    const end = closingQuote(text, quote);
    if (end === undefined) continue;
    if (!/^\s*(?:#.*)?$/.test(text.slice(end + 1))) {
      return { result: { value: "", problem: "something stands after the closing quote" }, lastLine: line };
    }
    const value = text.slice(0, end);
    if (quote !== '"') return { result: { value }, lastLine: line };
    return { result: unexpanded(value, unescape(value)), lastLine: line };
  }
  return { result: { value: "", problem: `the quote ${quote} is not closed` }, lastLine: index };
}

function closingQuote(text: string, quote: string): number | undefined {
  for (let at = 0; at < text.length; at++) {
    if (quote === '"' && text[at] === "\\") at++;
    else if (text[at] === quote) return at;
  }
  return undefined;
}

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", $: "$", "`": "`" };

function unescape(text: string): string {
  return text.replaceAll(/\\([\s\S])/g, (whole, letter: string) => escapes[letter] ?? whole);
}

/** The value, unless a shell would put something else in its place. */
function unexpanded(written: string, value = written): { readonly value: string; readonly problem?: string } {
  if (!/(?<!\\)(?:\$[A-Za-z_{(]|`)/.test(written)) return { value };
  return {
    value: "",
    problem: "it holds an expansion ($…), and none is carried out; write the value in single quotes",
  };
}
