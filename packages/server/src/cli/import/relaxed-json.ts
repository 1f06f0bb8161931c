/*
 * JSON as people write it into configuration files: with comments, and commas before a closing bracket. Both are left
 * out in one pass from the front to the end, since a hostile file must not make this take longer than its length.
 */

/** The content; `undefined` for what is no JSON, even so. */
export function parseRelaxedJson(text: string): { readonly content: unknown } | undefined {
  return parse(text) ?? parse(strict(text));
}

function parse(text: string): { readonly content: unknown } | undefined {
  try {
    return { content: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function strict(text: string): string {
  const kept: string[] = [];
  let comma: number | undefined;
  for (let at = 0; at < text.length; ) {
    const end = endOfPart(text, at);
    const part = text.slice(at, end);
    at = end;
    if (part.startsWith("/") && part.length > 1) continue; // a comment
    if (comma !== undefined && (part === "}" || part === "]")) kept[comma] = "";
    if (part === ",") comma = kept.length;
    else if (part.trim() !== "") comma = undefined;
    kept.push(part);
  }
  return kept.join("");
}

/** Where the part that begins at `at` ends: a string, a comment, or one character. */
function endOfPart(text: string, at: number): number {
  if (text[at] === '"') return endOfString(text, at);
  if (text.startsWith("//", at)) return endAfter(text, "\n", at);
  if (text.startsWith("/*", at)) return endAfter(text, "*/", at + 2);
  return at + 1;
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function endAfter(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found < 0 ? text.length : found + mark.length;
}
