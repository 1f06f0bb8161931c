import { parseReplyHead, type Lines, type ReplyHead } from "./reply-head.ts";
import { UnreadableReply } from "./unreadable.ts";

/** Of a head, and of the trailer behind a chunked body. */
const maxHeadBytes = 32 * 1024;
/** Interim replies (1xx) that are passed over; a provider that sends more is not going to answer. */
const maxInterimReplies = 32;
/** The digits of a chunk's size and what may stand behind them. */
const maxSizeLineBytes = 256;

const carriageReturn = 13;
const lineFeed = 10;

/**
 * Takes a reply apart as it comes, in pieces of any size. It calls nobody: after each `read` it says what there is, and
 * nothing of it lies in the memory that was read from, which may be used again at once.
 *
 * States: *head* – the head has not come whole. *length*, *close* – in a body. *size*, *chunk*, *chunk-end*, *trailer* –
 * in a chunked one. *ended* – the reply is over.
 *
 * Source: RFC 9112.
 */
export class ReplyParser {
  /** The head, from the `read` that brought its end on. */
  head: ReplyHead | undefined;
  /** What the last `read` brought of the body. */
  data: Buffer | undefined;
  ended = false;
  /** Why what comes from here on cannot be read; what came before it counts. `read` must not be called again. */
  problem: UnreadableReply | undefined;
  /** Whether there was more behind the end of the reply, which nobody asked for. */
  surplus = false;

  #state: "head" | "length" | "close" | "size" | "chunk" | "chunk-end" | "trailer" | "ended" = "head";
  /** The beginning of a head or trailer that has not come whole. */
  #held: Buffer | undefined;
  #heldBytes = 0;
  /** Where in what is read a head or trailer ended. */
  #behindHead = 0;
  readonly #lines: Lines = [];
  #interimReplies = 0;
  /** Of the body, or of the chunk. */
  #remainingBytes = 0;
  /** The beginning of a line with a chunk's size that has not come whole. */
  #sizeLine = "";

  /** Makes it ready for the next reply on the same connection. */
  reset(): void {
    this.head = undefined;
    this.data = undefined;
    this.ended = false;
    this.problem = undefined;
    this.surplus = false;
    this.#state = "head";
    this.#interimReplies = 0;
  }

  /** Reads the first `end` bytes of `input`. */
  read(input: Buffer, end: number): void {
    this.data = undefined;
    try {
      const at = this.#readParts(input, end);
      if (this.#state !== "ended") return;
      this.ended = true;
      this.surplus = at < end;
    } catch (error) {
      if (!(error instanceof UnreadableReply)) throw error;
      this.problem = error;
    }
  }

  /** The connection has ended. Whether that is the end of the reply, too. */
  end(): boolean {
    if (this.#state === "close") this.#state = "ended";
    this.ended = this.#state === "ended";
    return this.ended;
  }

  /** Up to where it read. */
  #readParts(input: Buffer, end: number): number {
    let at = 0;
    while (at < end && this.#state === "head") at = this.#readHead(input, at, end);
    return at < end && this.#state !== "ended" ? this.#readBody(input, at, end) : at;
  }

  #readHead(input: Buffer, from: number, end: number): number {
    const text = this.#takeHead(input, from, end);
    if (text === undefined) return end;
    const at = this.#behindHead;
    const head = parseReplyHead(text, this.#lines);
    if (head.status < 200) {
      if (head.status === 101) throw new UnreadableReply("the reply changes the protocol, which nobody asked for");
      if (++this.#interimReplies > maxInterimReplies) throw new UnreadableReply("too many interim replies");
      return at;
    }
    this.head = head;
    const { bodyEnd } = head;
    if (typeof bodyEnd === "string") this.#state = bodyEnd === "chunked" ? "size" : "close";
    else this.#awaitLength(bodyEnd.lengthBytes);
    return at;
  }

  #awaitLength(lengthBytes: number): void {
    this.#remainingBytes = lengthBytes;
    this.#state = lengthBytes === 0 ? "ended" : "length";
  }

  /** The lines before an empty one; `#behindHead` is then where what follows it begins. What is not whole is held. */
  #takeHead(input: Buffer, from: number, end: number): string | undefined {
    if (this.#heldBytes === 0) {
      const stop = emptyLine(input, from, end);
      if (stop !== -1) {
        if (stop - from > maxHeadBytes) throw tooLarge();
        this.#behindHead = stop + 4;
        return input.toString("latin1", from, stop + 2);
      }
    }
    const held = (this.#held ??= Buffer.allocUnsafeSlow(maxHeadBytes));
    const before = this.#heldBytes;
    const taken = input.copy(held, before, from, Math.min(end, from + maxHeadBytes - before));
    this.#heldBytes += taken;
    const stop = emptyLine(held, Math.max(0, before - 3), this.#heldBytes);
    if (stop === -1) {
      if (this.#heldBytes === maxHeadBytes) throw tooLarge();
      if (this.#state === "head") requireBeginning(held, this.#heldBytes);
      return undefined;
    }
    this.#held = undefined;
    this.#heldBytes = 0;
    this.#behindHead = from + stop + 4 - before;
    return held.toString("latin1", 0, stop + 2);
  }

  #readBody(input: Buffer, from: number, end: number): number {
    if (this.#state === "close") {
      this.data = copyOf(input, from, end);
      return end;
    }
    if (this.#state !== "length") return this.#readChunks(input, from, end);
    const stop = Math.min(end, from + this.#remainingBytes);
    this.data = copyOf(input, from, stop);
    this.#remainingBytes -= stop - from;
    if (this.#remainingBytes === 0) this.#state = "ended";
    return stop;
  }

  /** What one read brings goes on as one piece, in however many chunks of whatever size it was sent. */
  #readChunks(input: Buffer, from: number, end: number): number {
    const data = Buffer.allocUnsafe(end - from);
    let filled = 0;
    let at = from;
    try {
      while (at < end && this.#state !== "ended") {
        if (this.#state === "chunk") {
          const stop = Math.min(end, at + this.#remainingBytes);
          filled += input.copy(data, filled, at, stop);
          this.#remainingBytes -= stop - at;
          at = stop;
          if (this.#remainingBytes === 0) this.#state = "chunk-end";
        } else if (this.#state === "trailer") at = this.#readTrailer(input, at, end);
        else at = this.#readSize(input, at, end);
      }
    } finally {
      if (filled > 0) this.data = data.subarray(0, filled);
    }
    return at;
  }

  /** The line end behind a chunk, or the line before the next. */
  #readSize(input: Buffer, from: number, end: number): number {
    const found = input.indexOf(lineFeed, from);
    const stop = found === -1 || found >= end ? end : found + 1;
    this.#sizeLine += input.toString("latin1", from, stop);
    const line = this.#sizeLine;
    if (line.length > maxSizeLineBytes) throw new UnreadableReply("the line before a chunk is too long");
    if (line.charCodeAt(line.length - 1) !== lineFeed) return stop;
    this.#sizeLine = "";
    if (this.#state === "chunk-end") {
      if (line !== "\r\n") throw new UnreadableReply("a chunk is not as long as it says");
      this.#state = "size";
      return stop;
    }
    const size = sizePattern.exec(line);
    if (size === null) throw new UnreadableReply("a chunk does not begin with its size");
    this.#remainingBytes = Number.parseInt(size[1] ?? "", 16);
    this.#state = this.#remainingBytes === 0 ? "trailer" : "chunk";
    return stop;
  }

  /** Fields behind the last chunk are passed over. They end with an empty line, which mostly comes at once. */
  #readTrailer(input: Buffer, from: number, end: number): number {
    if (this.#heldBytes === 0 && end - from >= 2 && isLineEnd(input, from)) {
      this.#state = "ended";
      return from + 2;
    }
    // With a line end before it, a trailer without fields ends as one with fields does.
    if (this.#heldBytes === 0) {
      this.#held = Buffer.allocUnsafeSlow(maxHeadBytes);
      this.#heldBytes = this.#held.write("\r\n", "latin1");
    }
    if (this.#takeHead(input, from, end) === undefined) return end;
    this.#state = "ended";
    return this.#behindHead;
  }
}

const sizePattern = /^([0-9a-fA-F]{1,12})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n$/;

/** Where a line ends that an empty one follows, or -1. Of four bytes in a row only the last is looked at where it ends no line. */
function emptyLine(input: Buffer, from: number, end: number): number {
  let at = from + 3;
  while (at < end) {
    const byte = input[at];
    if (byte === lineFeed && isLineEnd(input, at - 1) && isLineEnd(input, at - 3)) return at - 3;
    at += byte === lineFeed || byte === carriageReturn ? 1 : 4;
  }
  return -1;
}

function isLineEnd(input: Buffer, at: number): boolean {
  return input[at] === carriageReturn && input[at + 1] === lineFeed;
}

const beginning = Buffer.from("HTTP/1.");

/** What is no HTTP at all need not be waited for. */
function requireBeginning(held: Buffer, heldBytes: number): void {
  const known = Math.min(beginning.length, heldBytes);
  if (held.compare(beginning, 0, known, 0, known) !== 0) {
    throw new UnreadableReply("the reply does not begin with an HTTP/1 status line");
  }
}

function tooLarge(): UnreadableReply {
  return new UnreadableReply(`the head of the reply is larger than ${maxHeadBytes} bytes`);
}

function copyOf(input: Buffer, from: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - from);
  input.copy(copy, 0, from, end);
  return copy;
}
