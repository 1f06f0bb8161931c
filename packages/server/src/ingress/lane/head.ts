import type { IncomingHttpHeaders } from "node:http";

/*
 * A request head of the plainest form, as nearly every client of a model sends it: `POST`, a target that begins with a
 * slash, HTTP/1.1, a stated length, every header once, nothing but printable ASCII, every line ended by CR LF. Whatever is
 * spelled in any other way is not read here; Node's parser and the head check then say what it is.
 *
 * On one connection the head comes again and again, and all that changes is the length. So its bytes are kept, and the next
 * head that has them is known to be the same without being read.
 */

/** Where in some bytes the body lies that belongs to a head at their beginning. */
export interface BodyPlace {
  readonly start: number;
  readonly end: number;
}

export interface ReadHead {
  readonly head: PlainHead;
  readonly body: BodyPlace;
}

const mostHeadBytes = 16 * 1024;
const requestLine = /^POST (\/[\x21-\x7e]*) HTTP\/1\.1$/;
const headerLine = /^([\w!#$%&'*+.^`|~-]+):([\t\x20-\x7e]*)$/;
/** Not every parser takes a tab beside the digits (Node's of version 20 does not, that of 26 does). */
const lengthValue = /^ *(0|[1-9]\d{0,6}) *$/;

/** Those that change how the message is framed, what follows it, or which parser reads it. */
const notPlain: ReadonlySet<string> = new Set([
  "__proto__", // would not be a key like others
  "expect",
  "http2-settings",
  "proxy-connection", // some parsers, Node's among them, take it for `connection`
  "set-cookie", // Node would give a list
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

export class PlainHead {
  readonly url: string;
  /** The target without its query. */
  readonly path: string;
  /** By their names in lower case; without the length, which is not the head's but the request's. */
  readonly headers: IncomingHttpHeaders;
  /** Names and values as they came, in turn. */
  readonly rawHeaders: string[];
  /** What stands before and behind the digits of the length. */
  readonly #before: Buffer;
  readonly #after: Buffer;

  constructor(url: string, rawHeaders: string[], headers: IncomingHttpHeaders, before: Buffer, after: Buffer) {
    const question = url.indexOf("?");
    this.url = url;
    this.path = question === -1 ? url : url.slice(0, question);
    this.rawHeaders = rawHeaders;
    this.headers = headers;
    this.#before = before;
    this.#after = after;
  }

  /** Where the body is, if the bytes begin with this very head, whatever length it states. */
  again(bytes: Buffer): BodyPlace | undefined {
    const before = this.#before;
    const after = this.#after;
    let at = before.length;
    if (bytes.length <= at + after.length || bytes.compare(before, 0, at, 0, at) !== 0) return undefined;
    const first = at;
    let size = 0;
    for (let digit = digitAt(bytes, at); digit >= 0 && at - first < 7; digit = digitAt(bytes, at)) {
      size = size * 10 + digit;
      at += 1;
    }
    if (at === first || (bytes[first] === 48 && at - first > 1)) return undefined;
    const start = at + after.length;
    if (start > bytes.length || bytes.compare(after, 0, after.length, at, start) !== 0) return undefined;
    return { start, end: start + size };
  }
}

/** The value of an ASCII digit; less than 0 for anything else, and for the place behind the end. */
function digitAt(bytes: Buffer, at: number): number {
  const digit = (bytes[at] ?? 0) - 48;
  return digit > 9 ? -1 : digit;
}

/** The head at the beginning of the bytes, if it is whole and plain. */
export function readPlainHead(bytes: Buffer): ReadHead | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1 || end > mostHeadBytes) return undefined;
  const [first = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const url = requestLine.exec(first)?.[1];
  if (url === undefined) return undefined;
  const headers: IncomingHttpHeaders = {};
  const rawHeaders: string[] = [];
  let stated: { readonly text: string; readonly at: number } | undefined;
  let at = first.length + 2;
  for (const line of lines) {
    const field = readField(line);
    if (field === undefined || Object.hasOwn(headers, field.key)) return undefined;
    if (field.key === "content-length") {
      const text = lengthValue.exec(field.padded)?.[1];
      if (stated !== undefined || text === undefined) return undefined;
      stated = { text, at: at + line.indexOf(text, field.name.length + 1) };
    } else {
      headers[field.key] = field.value;
      rawHeaders.push(field.name, field.value);
    }
    at += line.length + 2;
  }
  if (stated === undefined) return undefined;
  const start = end + 4;
  const [before, after] = [copyOf(bytes, 0, stated.at), copyOf(bytes, stated.at + stated.text.length, start)];
  const head = new PlainHead(url, rawHeaders, headers, before, after);
  return { head, body: { start, end: start + Number(stated.text) } };
}

interface Field {
  readonly name: string;
  readonly key: string;
  readonly value: string;
  /** With the blanks around it. */
  readonly padded: string;
}

function readField(line: string): Field | undefined {
  const [, name, padded] = headerLine.exec(line) ?? [];
  if (name === undefined || padded === undefined) return undefined;
  const key = name.toLowerCase();
  const value = padded.trim();
  const isPlain = key === "connection" ? value.toLowerCase() === "keep-alive" : !notPlain.has(key);
  return isPlain ? { name, key, value, padded } : undefined;
}

function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  return Buffer.from(bytes.subarray(start, end));
}
