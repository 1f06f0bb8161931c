import { isUtf8 } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type ErrorCode,
} from "yaml";
import { isMapping, quoted } from "./issues.ts";
import type { Path } from "./settings.ts";

/** A place in the file, counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface DocumentProblem {
  /** Without one, the file as a whole is meant. */
  readonly position?: Position;
  readonly text: string;
}

/** The file as plain data, and where in it everything stands. */
export interface ConfigDocument {
  readonly values: Readonly<Record<string, unknown>>;
  /** If there are any, `values` is empty. */
  readonly problems: readonly DocumentProblem[];
  /** Where the value (or, with `onKey`, the key) of this path stands; of what is not there, the nearest thing around it. */
  locate(path: Path, onKey: boolean): Position;
}

const maxBytes = 1_048_576;
// An alias that multiplies what it refers to is a decompression bomb in text; a real file repeats a few lines.
const maxAliasCount = 100;
// One missing bracket can make nonsense of all that follows it.
const maxSyntaxProblems = 20;

/** Reads and parses a file; `undefined` if there is none. */
export function readDocument(path: string): ConfigDocument | undefined {
  try {
    return parseYaml(readText(path));
  } catch (error) {
    if (hasCode(error) && error.code === "ENOENT") return undefined;
    if (error instanceof UnreadableFile) return failedDocument([{ text: error.message }]);
    if (hasCode(error)) return failedDocument([{ text: readErrors[error.code] ?? `cannot be read (${error.code})` }]);
    throw error;
  }
}

const readErrors: Readonly<Record<string, string>> = {
  EACCES: "cannot be read: permission denied",
  EPERM: "cannot be read: permission denied",
  ENOTDIR: "cannot be read: a part of its path is not a directory",
};

/** The message is what is wrong with the file. */
class UnreadableFile extends Error {}

function readText(path: string): string {
  // Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
  const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stat = fstatSync(descriptor);
    if (stat.isDirectory()) throw new UnreadableFile("is a directory, not a file");
    if (!stat.isFile()) throw new UnreadableFile("is not a regular file");
    if (stat.size > maxBytes) throw new UnreadableFile(`is larger than ${maxBytes} bytes`);
    const bytes = readFileSync(descriptor);
    if (!isUtf8(bytes)) throw new UnreadableFile("is not text in UTF-8; save it in that encoding");
    return new TextDecoder().decode(bytes); // takes a byte order mark off
  } finally {
    closeSync(descriptor);
  }
}

function hasCode(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string";
}

const start: Position = { line: 1, column: 1 };

/** What stands for a file that cannot be used. */
export function failedDocument(problems: readonly DocumentProblem[]): ConfigDocument {
  return { values: {}, problems, locate: () => start };
}

/** Parses the text of a configuration file. */
export function parseYaml(text: string): ConfigDocument {
  const lines = new LineCounter();
  const positionOf = (offset: number | undefined): Position => {
    const { line, col } = lines.linePos(offset ?? 0);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  try {
    // The parser's own look for duplicate keys takes quadratic time; `strangeNodes` does it in linear time.
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      stringKeys: true,
      uniqueKeys: false,
      logLevel: "error",
    });
    const syntax = [...document.errors, ...document.warnings].slice(0, maxSyntaxProblems).map(({ code, pos }) => ({
      offset: pos[0],
      text: syntaxTexts[code] ?? "is not valid YAML here",
    }));
    const strange = syntax.length > 0 ? syntax : strangeNodes(document);
    if (strange.length > 0)
      return failedDocument(strange.map((each) => ({ position: positionOf(each.offset), text: each.text })));
    const content: unknown = document.toJS({ maxAliasCount }) ?? {};
    if (!isMapping(content))
      return failedDocument([
        { position: start, text: "must hold sections such as `server:`, not a list or a single value" },
      ]);
    return {
      values: withoutEmptySections(content),
      problems: [],
      locate: (path, onKey) => positionOf(offsetOf(document, path, onKey)),
    };
  } catch (error) {
    // What the parser and our walk through its result can still run into; neither says where.
    if (error instanceof ReferenceError) return failedDocument([{ text: "uses YAML aliases (`*name`) to excess" }]);
    if (error instanceof RangeError) return failedDocument([{ text: "is nested too deeply" }]);
    throw error;
  }
}

// Our own words, since those of the parser may repeat a part of the file, and that part may be a key.
const syntaxTexts: Partial<Readonly<Record<ErrorCode, string>>> = {
  TAB_AS_INDENT: "a tab stands in the indentation; YAML takes spaces only",
  BAD_INDENT: "this line is not indented like the ones it belongs to, or a bracket above it is not closed",
  MULTILINE_IMPLICIT_KEY: "this is no `key: value` line; the colon, or the space after it, may be missing",
  BLOCK_AS_IMPLICIT_KEY:
    "there is a second `key: value` inside a value; put it on a line of its own, or in quotes if it is text",
  BAD_SCALAR_START: "text that begins with this character must stand in quotes",
  BAD_DQ_ESCAPE: "this is no escape that double quotes know; put text with backslashes in single quotes",
  MISSING_CHAR: "a quote, bracket, comma, colon or space is missing here",
  MULTIPLE_DOCS: "a second document begins here; the file may hold only one",
  TAG_RESOLVE_FAILED: "tags (`!…`) are not supported",
  NON_STRING_KEY: "a key must be plain text",
};

/** What YAML allows and a configuration must not hold. */
function strangeNodes(document: Document.Parsed): readonly { readonly offset: number; readonly text: string }[] {
  const found: { offset: number; text: string }[] = [];
  let aliases = 0;
  visit(document, {
    Alias(_, alias) {
      aliases++;
      if (aliases > maxAliasCount) throw new ReferenceError();
      if (alias.resolve(document) === undefined)
        found.push({ offset: alias.range?.[0] ?? 0, text: "this alias refers to no anchor above it" });
    },
    Map(_, map) {
      const keys = new Set<string>();
      for (const { key } of map.items) {
        const name = keyName(key);
        const offset = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
        if (keys.has(name)) found.push({ offset, text: `duplicate key ${quoted(name)}` });
        if (name === "__proto__") found.push({ offset, text: 'unknown key "__proto__"' });
        keys.add(name);
      }
    },
  });
  return found;
}

/** `server:` with nothing but comments under it means the section is empty, not that it is wrong. */
function withoutEmptySections(content: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(content).map(([name, section]) => [name, section ?? {}]));
}

function offsetOf(document: Document.Parsed, path: Path, onKey: boolean): number | undefined {
  let node: unknown = document.contents;
  let place: unknown;
  for (const part of path) {
    const holder = isAlias(node) ? node.resolve(document) : node;
    const pair = isMap(holder) ? holder.items.find(({ key }) => keyName(key) === part) : undefined;
    const item = isSeq(holder) ? holder.items[Number(part)] : undefined;
    if (pair === undefined && item === undefined) return offsetOfNode(place);
    node = pair === undefined ? item : pair.value;
    place = pair?.key ?? item;
  }
  return offsetOfNode(onKey || isEmpty(node) ? place : node);
}

function offsetOfNode(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}

function keyName(key: unknown): string {
  return isScalar(key) ? String(key.value) : "";
}

/** A key with nothing behind it: the parser places that nothing at the end of the line or beyond. */
function isEmpty(node: unknown): boolean {
  return !isNode(node) || (isScalar(node) && node.value === null);
}
