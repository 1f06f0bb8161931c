/** Whether a name fits a pattern. */
export type NameMatcher = (name: string) => boolean;

/**
 * A pattern is a name with `*` for any run of characters: `claude-*`. It is compiled to a matcher without regular
 * expressions, so no pattern can be made slow.
 */
export function compileNamePattern(pattern: string): NameMatcher {
  const parts = pattern.split("*");
  if (parts.length === 1) return (name) => name === pattern;
  return (name) => matchParts(parts, name);
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
