/*
 * The head of a request as text. Nothing that could end a line, or begin another request, gets into it: a name, value or
 * path that holds such a character is refused before anything is sent.
 */

const namePattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const valuePattern = /^[\t\x20-\x7e\x80-\xff]*$/;
const targetPattern = /^\/[\x21-\x7e\x80-\xff]*$/;
/** These are the connection's own business. */
const framing: ReadonlySet<string> = new Set(["host", "content-length", "transfer-encoding", "connection"]);

export interface RequestHead {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: readonly string[];
}

/** `sizeBytes` of the body; `null` for a request that has none. Throws `TypeError`. */
export function requestHead({ method, path, headers }: RequestHead, host: string, sizeBytes: number | null): string {
  if (!targetPattern.test(path))
    throw new TypeError("the path of a request holds a character that may not stand there");
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive`;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    text += lineStart(headers[index] ?? "") + checkedValue(headers[index + 1] ?? "");
  }
  return sizeBytes === null ? `${text}\r\n\r\n` : `${text}\r\ncontent-length: ${sizeBytes}\r\n\r\n`;
}

/** Names are few and come with every request, so each is judged once. */
const judged = new Map<string, string>();
const mostJudged = 1_000;

/** The end of the line before, and a header up to its value. */
function lineStart(name: string): string {
  const known = judged.get(name);
  if (known !== undefined) return known;
  if (!namePattern.test(name) || framing.has(name.toLowerCase())) {
    throw new TypeError(`\`${name.slice(0, 64)}\` may not be a header of a request`);
  }
  const start = `\r\n${name}: `;
  if (judged.size < mostJudged && name.length <= 64) judged.set(name, start);
  return start;
}

function checkedValue(value: string): string {
  if (!valuePattern.test(value)) throw new TypeError("a header's value holds a character that may not stand there");
  return value;
}
