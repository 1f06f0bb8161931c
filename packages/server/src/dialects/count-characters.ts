import type { Span } from "../kernel/json-scan.ts";
import { ascii, hexDigit } from "../kernel/json-token.ts";

/** What nobody has read aloud by one request. Of a longer text, the rest is not looked at: each byte counts as a character. */
const mostBytes = 1024 * 1024;

/** The characters (code points) of a JSON string, not decoded for it: 0 if the value is none. */
export function countCharacters(bytes: Buffer, span: Span | undefined): number {
  if (span === undefined || bytes[span.start] !== ascii.quote) return 0;
  const end = Math.min(span.end - 1, span.start + mostBytes);
  let count = span.end - 1 - end;
  let lowAt = -1; // where the second half of a pair would stand
  for (let at = span.start + 1; at < end; ) {
    if (bytes[at] !== ascii.backslash) {
      if (((bytes[at] ?? 0) & 0xc0) !== 0x80) count++; // the others continue a character
      at++;
    } else if (bytes[at + 1] !== ascii.u) {
      count++;
      at += 2;
    } else {
      const half = surrogateAt(bytes, at);
      if (half !== "low" || lowAt !== at) count++;
      at += 6;
      lowAt = half === "high" ? at : -1;
    }
  }
  return count;
}

/** Which half of a pair an escape stands for: U+D800 to U+DBFF come first, U+DC00 to U+DFFF behind them. */
function surrogateAt(bytes: Buffer, escape: number): "high" | "low" | "none" {
  if (hexDigit(bytes[escape + 2] ?? 0) !== 0xd) return "none";
  const second = hexDigit(bytes[escape + 3] ?? 0);
  return second < 8 ? "none" : second < 12 ? "high" : "low";
}
