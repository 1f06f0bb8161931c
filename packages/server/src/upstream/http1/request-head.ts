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
  let text = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n`;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    text += `${checkedName(headers[index] ?? "")}: ${checkedValue(headers[index + 1] ?? "")}\r\n`;
  }
  return sizeBytes === null ? `${text}\r\n` : `${text}content-length: ${sizeBytes}\r\n\r\n`;
}

/** Names are few and come with every request, so each is judged once. */
const judged = new Set<string>();
const mostJudged = 1_000;

function checkedName(name: string): string {
  if (judged.has(name)) return name;
  if (!namePattern.test(name) || framing.has(name.toLowerCase())) {
    throw new TypeError(`\`${name.slice(0, 64)}\` may not be a header of a request`);
  }
  if (judged.size < mostJudged && name.length <= 64) judged.add(name);
  return name;
}

function checkedValue(value: string): string {
  if (!valuePattern.test(value)) throw new TypeError("a header's value holds a character that may not stand there");
  return value;
}
