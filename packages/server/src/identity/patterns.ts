import { compileNamePattern, type NameMatcher } from "../kernel/name-pattern.ts";

/** Model allow-lists hold names with `*` for any run of characters, whatever their case: `claude-*`, `openai/*`, `gpt-5`. */
export function compilePattern(pattern: string): NameMatcher {
  const matches = compileNamePattern(pattern.toLowerCase());
  return (name) => matches(name.toLowerCase());
}
