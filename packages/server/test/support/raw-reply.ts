/** A reply as it stood on the wire. */
export interface RawReply {
  readonly status: number;
  /** Lower-case names. Of a name that came twice, the last value. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What came on a connection: whole replies in their order, interim ones (1xx) too, and the bytes that are none. */
export interface RawReplies {
  readonly replies: readonly RawReply[];
  readonly rest: Buffer;
}

const headEnd = Buffer.from("\r\n\r\n");

/**
 * Cuts what was received into replies, each by its own framing; one without a length ends where the connection did. The
 * reply to a HEAD has no body, whatever its headers say: `headAt` tells which is one.
 */
export function readReplies(received: Buffer, ended: boolean, headAt?: number): RawReplies {
  const replies: RawReply[] = [];
  let rest = received;
  for (;;) {
    const found = readReply(rest, ended, replies.length === headAt);
    if (found === undefined) return { replies, rest };
    replies.push(found.reply);
    rest = rest.subarray(found.end);
  }
}

function readReply(
  bytes: Buffer,
  ended: boolean,
  bodiless: boolean,
): { readonly reply: RawReply; readonly end: number } | undefined {
  const bodyAt = bytes.indexOf(headEnd) + headEnd.length;
  if (bodyAt < headEnd.length) return undefined;
  const [line = "", ...fields] = bytes.toString("latin1", 0, bodyAt - headEnd.length).split("\r\n");
  const status = Number(/^HTTP\/1\.[01] (\d{3})\b/.exec(line)?.[1]);
  if (Number.isNaN(status)) return undefined;
  const headers = Object.fromEntries(
    fields.map((field) => [
      field.slice(0, field.indexOf(":")).toLowerCase(),
      field.slice(field.indexOf(":") + 1).trim(),
    ]),
  );
  const framed =
    status < 200 || bodiless ? { body: Buffer.alloc(0), end: bodyAt } : readBody(bytes, bodyAt, headers, ended);
  return framed && { reply: { status, headers, body: framed.body }, end: framed.end };
}

interface Framed {
  readonly body: Buffer;
  readonly end: number;
}

function readBody(
  bytes: Buffer,
  from: number,
  headers: Readonly<Record<string, string>>,
  ended: boolean,
): Framed | undefined {
  const length = headers["content-length"];
  if (headers["transfer-encoding"] === "chunked") return readChunks(bytes, from);
  if (length === undefined) return ended ? { body: bytes.subarray(from), end: bytes.length } : undefined;
  const end = from + Number(length);
  return end > bytes.length ? undefined : { body: bytes.subarray(from, end), end };
}

function readChunks(bytes: Buffer, from: number): Framed | undefined {
  const chunks: Buffer[] = [];
  let at = from;
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16);
    const end = lineEnd + 2 + size;
    if (Number.isNaN(size) || end + 2 > bytes.length) return undefined;
    chunks.push(bytes.subarray(lineEnd + 2, end));
    at = end + 2;
    if (size === 0) return { body: Buffer.concat(chunks), end: at };
  }
}
