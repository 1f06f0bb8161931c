/**
 * Model allow-lists hold names with `*` for any run of characters: `claude-*`, `openai/*`, `gpt-5`.
 * A pattern is compiled to a matcher without regular expressions, so no pattern can be made slow.
 */
export type Matcher = (name: string) => boolean;

export function compilePattern(pattern: string): Matcher {
  const parts = pattern.toLowerCase().split("*");
  if (parts.length === 1) return (name) => name.toLowerCase() === parts[0];
  return (name) => matchParts(parts, name.toLowerCase());
}

function matchParts(parts: readonly string[], name: string): boolean {
  const first = parts[0] ?? "";
  const last = parts.at(-1) ?? "";
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  let position = first.length;
  const end = name.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, position);
    if (found === -1 || found + part.length > end) return false;
    position = found + part.length;
  }
  return true;
}
