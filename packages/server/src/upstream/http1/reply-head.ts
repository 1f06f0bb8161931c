import { UnreadableReply } from "./unreadable.ts";

/** Header names in lower case; a header that came twice is an array. */
export type ReplyHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** How the end of a reply's body is told (RFC 9112 §6.3). */
export type BodyEnd = "chunked" | "close" | { readonly lengthBytes: number };

export interface ReplyHead {
  readonly status: number;
  readonly headers: ReplyHeaders;
  readonly bodyEnd: BodyEnd;
  /** Whether another request may follow on the connection. */
  readonly keepAlive: boolean;
}

/** A line of a head as it was written, its end included, and what it was found to say. */
interface Line {
  readonly written: string;
  readonly name: string;
  readonly value: string;
}

/**
 * The lines of one head. The next reply on a connection has most of them again, in the same places, and they need no second
 * look.
 */
export type Lines = Line[];

/**
 * Reads the head of a reply: the status line and the fields, each with its line end, without the empty line behind them,
 * bytes as Latin-1. `lines` are those of the head before on the same connection, and become those of this one.
 * Stricter than it might be: whatever two readers could understand differently is refused (a folded line, a bare line
 * feed, a space before a colon, two lengths, a length beside chunks, a coding that does not end in chunks).
 *
 * Source: RFC 9112. Throws `UnreadableReply`.
 */
export function parseReplyHead(text: string, lines: Lines = []): ReplyHead {
  const firstEnd = lineEnd(text, 0);
  const { status, isVersion11 } = text.startsWith(usualLine) ? usual : parseStatusLine(text.slice(0, firstEnd));
  const headers = parseFields(text, firstEnd + 2, lines);
  const keepAlive = isKeptAlive(isVersion11, headers["connection"]);
  return { status, headers, bodyEnd: bodyEndOf(status, headers), keepAlive };
}

interface StatusLine {
  readonly status: number;
  readonly isVersion11: boolean;
}

const usualLine = "HTTP/1.1 200 OK\r\n";
const usual: StatusLine = { status: 200, isVersion11: true };

function parseStatusLine(line: string): StatusLine {
  const found = statusPattern.exec(line);
  if (found === null) throw new UnreadableReply("the reply does not begin with an HTTP/1 status line");
  return { status: Number(found[2]), isVersion11: found[1] === "1" };
}

const statusPattern = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [\t\x20-\x7e\x80-\xff]*)?$/;
const namePattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const valuePattern = /^[\t\x20-\x7e\x80-\xff]*$/;

type Fields = Record<string, string | string[]>;

/** Makes objects on which no header's name means anything; one without any prototype would be slower to fill and read. */
const EmptyFields = function () {} as unknown as new () => Fields;
EmptyFields.prototype = Object.create(null);

function parseFields(text: string, from: number, lines: Lines): Fields {
  const headers = new EmptyFields();
  let count = 0;
  for (let start = from; start < text.length; count++) {
    const before = lines[count];
    const line = before !== undefined && text.startsWith(before.written, start) ? before : parseLine(text, start);
    lines[count] = line;
    add(headers, line);
    start += line.written.length;
  }
  lines.length = count;
  return headers;
}

function parseLine(text: string, start: number): Line {
  const end = lineEnd(text, start);
  const colon = text.indexOf(":", start);
  if (colon === -1 || colon > end) throw new UnreadableReply("a line of the reply's head is no field");
  const name = nameOf(text.slice(start, colon));
  const value = text.slice(colon + 1, end).trim();
  if (!valuePattern.test(value)) throw new UnreadableReply(`the reply's header ${name} holds a control character`);
  return { written: text.slice(start, end + 2), name, value };
}

function add(headers: Fields, { name, value }: Line): void {
  const before = headers[name];
  if (before === undefined) headers[name] = value;
  else if (typeof before === "string") headers[name] = [before, value];
  else before.push(value);
}

function lineEnd(text: string, from: number): number {
  const end = text.indexOf("\r\n", from);
  return end === -1 ? text.length : end;
}

/** Names are few and come with every reply, so each is judged once. */
const judged = new Map<string, string>();
const mostJudged = 1_000;

function nameOf(written: string): string {
  const known = judged.get(written);
  if (known !== undefined) return known;
  if (!namePattern.test(written)) throw new UnreadableReply("the name of one of the reply's headers is none");
  const name = written.toLowerCase();
  if (judged.size < mostJudged && written.length <= 64) judged.set(written, name);
  return name;
}

function bodyEndOf(status: number, headers: ReplyHeaders): BodyEnd {
  const coding = headers["transfer-encoding"];
  const length = headers["content-length"];
  if (status < 200 || status === 204 || status === 304) return { lengthBytes: 0 };
  if (coding !== undefined) {
    if (length !== undefined) throw new UnreadableReply("the reply has a length and comes in chunks");
    if (typeof coding !== "string" || coding.toLowerCase() !== "chunked")
      throw new UnreadableReply("the reply's transfer coding is another than chunked");
    return "chunked";
  }
  if (length === undefined) return "close";
  if (typeof length !== "string" || !/^\d{1,15}$/.test(length))
    throw new UnreadableReply("the reply's length is no number");
  return { lengthBytes: Number(length) };
}

function isKeptAlive(isVersion11: boolean, connection: string | readonly string[] | undefined): boolean {
  if (connection === undefined) return isVersion11;
  const options = String(connection).toLowerCase();
  return !options.includes("close") && (isVersion11 || options.includes("keep-alive"));
}
