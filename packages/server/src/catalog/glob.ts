/**
 * Whether a text is what a pattern says, from its first character to its last. `*`: any characters, or none; `?`: any one;
 * `[5-9]`, `[.-]`: one of these; `{a,b}`: one of these texts, which may be patterns. All other characters stand for
 * themselves.
 *
 * @throws Error if a bracket or brace is not closed: patterns are ours
 */
export function createGlob(pattern: string): (text: string) => boolean {
  let source = "";
  let depth = 0;
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at);
    if (character === "[") {
      const end = pattern.indexOf("]", at);
      if (end < 0) throw new Error(`the pattern ${pattern} has an open bracket`);
      source += `[${pattern.slice(at + 1, end).replaceAll(/[\\^]/g, "\\$&")}]`;
      at = end;
      continue;
    }
    if (character === "{") depth += 1;
    if (character === "}") depth -= 1;
    source += depth > 0 && character === "," ? "|" : (wildcards[character] ?? literal(character));
  }
  if (depth !== 0) throw new Error(`the pattern ${pattern} has an open brace`);
  const expression = new RegExp(`^${source}$`, "s");
  return (text) => expression.test(text);
}

const wildcards: Readonly<Record<string, string>> = { "*": ".*", "?": ".", "{": "(?:", "}": ")" };

function literal(character: string): string {
  return /[\\^$.|+()]/.test(character) ? `\\${character}` : character;
}
