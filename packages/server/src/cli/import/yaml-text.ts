import { isNode, LineCounter, parseDocument, visit, type Document } from "yaml";

export interface YamlContent {
  readonly content: unknown;
  /** The line that something stands in, counted from 1. */
  lineOf(path: readonly (string | number)[]): number | undefined;
}

// An alias that multiplies what it refers to is a decompression bomb in text; a real file repeats a few lines.
const maxAliasCount = 100;
// The parser takes up to a second for 50 kB of brackets; a real file has a few kB.
const mostCharacters = 512 * 1024;

/** Parses YAML of another program. What is wrong with it, if it is, is said without repeating any of it. */
export function parseYamlText(text: string): YamlContent | { readonly problem: string } {
  if (text.length > mostCharacters) return { problem: `it is longer than ${mostCharacters} characters` };
  const lines = new LineCounter();
  try {
    // The parser's own look for duplicate keys takes quadratic time; of those, the last counts, as with other parsers.
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: false,
      logLevel: "error",
    });
    const [error] = document.errors;
    if (error !== undefined) return { problem: `line ${lines.linePos(error.pos[0]).line} is not valid YAML` };
    if (countAliases(document) > maxAliasCount) return { problem: aliasProblem };
    const content: unknown = document.toJS({ maxAliasCount });
    return {
      content,
      lineOf(path) {
        const node: unknown = document.getIn(path, true);
        return isNode(node) && node.range ? lines.linePos(node.range[0]).line : undefined;
      },
    };
  } catch (error) {
    if (error instanceof ReferenceError) return { problem: aliasProblem };
    if (error instanceof RangeError) return { problem: "it is nested too deeply" };
    throw error;
  }
}

const aliasProblem = "it uses YAML aliases (`*name`) to excess, or unknown ones";

function countAliases(document: Document.Parsed): number {
  let count = 0;
  visit(document, { Alias: () => (++count > maxAliasCount ? visit.BREAK : undefined) });
  return count;
}
