import { isUtf8 } from "node:buffer";
import type { Span } from "../kernel/json-scan.ts";
import { invalidForm, parsePartHead, type PartHead } from "./form-head.ts";

/** A text field that was asked for. */
export interface FormField {
  readonly value: string;
  /** Where its content lies in the body. */
  readonly at: Span;
  /** Where its own `content-length` lies, which is to change with the content; few clients give one. */
  readonly lengthAt: Span | undefined;
}

/** A part as it lies in the body, whatever it holds. */
export interface FormPart {
  readonly name: string;
  readonly isFile: boolean;
  /** Its content. */
  readonly at: Span;
  /** From the line that begins it to the one that begins the next: without these bytes, the form is one without it. */
  readonly whole: Span;
}

/** What was found out about a form. Its bytes are elsewhere. */
export interface Form {
  field(name: string): FormField | undefined;
  /** All of them, in the order in which they came. */
  readonly parts: readonly FormPart[];
  /** Bytes of all fields that are not files. */
  readonly textBytes: number;
}

const maxParts = 200;
const maxHeadBytes = 4096;
const maxWatchedBytes = 1024;
const lineEnd = Buffer.from("\r\n");
const headEnd = Buffer.from("\r\n\r\n");
const dashes = Buffer.from("--");

/** A part whose content is passing by. */
interface Part extends PartHead {
  /** Of the line that begins it. */
  readonly delimiterStart: number;
  readonly start: number;
  readonly lengthAt: Span | undefined;
  /** Of a watched field, what came so far. */
  readonly content: Buffer[] | undefined;
}

/**
 * Reads a `multipart/form-data` body (RFC 7578) as it goes by, and finds the watched fields, wherever among the files they
 * stand. What is checked here must be what the provider will see, so whatever two parsers might read differently is
 * refused: a boundary anywhere but on a line of its own, bytes before the first or behind the last, line ends other than
 * CRLF, a watched field given twice or in another letter case, parts within parts, lengths that are not true.
 *
 * States: *delimiter* – at the line that begins a part, or ends the body. *head* – in the lines that describe a part, which
 * are held until they are whole. *content* – in a part's content, of which no more is held than might be the beginning of
 * a delimiter. *closed* – behind the last delimiter, where only a line end may follow.
 */
export class FormParser {
  readonly #delimiter: Buffer;
  readonly #watched: readonly string[];
  readonly #fields = new Map<string, FormField>();
  #state: "delimiter" | "head" | "content" | "closed" = "delimiter";
  #held: Buffer = Buffer.alloc(0);
  /** Of the first byte held. */
  #offset = 0;
  #part: Part | undefined;
  #delimiterStart = 0;
  readonly #parts: FormPart[] = [];
  #textBytes = 0;

  constructor(boundary: string, watched: readonly string[]) {
    this.#delimiter = Buffer.from(`--${boundary}`);
    this.#watched = watched;
  }

  /** Chunks may be split anywhere. Throws `invalid_form`; the parser is of no use afterwards. */
  push(chunk: Buffer): void {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    while (this.#step()) continue;
  }

  /** Throws `invalid_form`. */
  end(): Form {
    if (this.#state !== "closed") throw invalidForm("it breaks off before its end");
    if (this.#held.length === 1) throw trailing();
    const fields = this.#fields;
    return { field: (name) => fields.get(name), parts: this.#parts, textBytes: this.#textBytes };
  }

  /** Reads what it can, and says whether there may be more to read. */
  #step(): boolean {
    if (this.#state === "delimiter") return this.#readDelimiter();
    if (this.#state === "head") return this.#readHead();
    if (this.#part !== undefined) return this.#readContent(this.#part);
    if (!lineEnd.subarray(0, this.#held.length).equals(this.#held)) throw trailing();
    return false;
  }

  #readDelimiter(): boolean {
    const size = this.#delimiter.length;
    const came = this.#held.subarray(0, size);
    if (!came.equals(this.#delimiter.subarray(0, came.length))) throw misplaced();
    if (this.#held.length < size + 2) return false;
    const behind = this.#held.subarray(size, size + 2);
    this.#delimiterStart = this.#offset;
    this.#consume(size + 2);
    if (behind.equals(dashes)) {
      this.#state = "closed";
      return true;
    }
    if (!behind.equals(lineEnd)) throw misplaced();
    if (this.#parts.length >= maxParts) throw invalidForm(`it has more than ${maxParts} fields`);
    this.#state = "head";
    return true;
  }

  #readHead(): boolean {
    const end = this.#held.indexOf(headEnd);
    if (end > maxHeadBytes || (end === -1 && this.#held.length > maxHeadBytes)) {
      throw invalidForm(`a part's head is larger than ${maxHeadBytes} bytes`);
    }
    if (end === -1) return false;
    const head = parsePartHead(this.#held.subarray(0, end + lineEnd.length));
    const { statedAt } = head;
    const lengthAt = statedAt && { start: this.#offset + statedAt.start, end: this.#offset + statedAt.end };
    const content = isWatched(head, this.#watched, this.#fields) ? [] : undefined;
    this.#consume(end + headEnd.length);
    this.#part = { ...head, delimiterStart: this.#delimiterStart, start: this.#offset, lengthAt, content };
    this.#state = "content";
    return true;
  }

  #readContent(part: Part): boolean {
    const found = this.#held.indexOf(this.#delimiter);
    if (found === -1) {
      this.#pass(part, Math.max(0, this.#held.length - this.#delimiter.length - lineEnd.length));
      return false;
    }
    const end = found - lineEnd.length;
    if (end < 0 || !this.#held.subarray(end, found).equals(lineEnd)) throw misplaced();
    this.#pass(part, end);
    this.#finish(part);
    this.#consume(lineEnd.length);
    this.#part = undefined;
    this.#state = "delimiter";
    return true;
  }

  #pass({ content, name, isFile }: Part, count: number): void {
    if (!isFile) this.#textBytes += count;
    if (content !== undefined) {
      content.push(this.#held.subarray(0, count));
      const sizeBytes = content.reduce((sum, chunk) => sum + chunk.length, 0);
      if (sizeBytes > maxWatchedBytes) throw invalidForm(`the field \`${name}\` is too long`);
    }
    this.#consume(count);
  }

  #finish({ name, isFile, delimiterStart, start, content, statedBytes, lengthAt }: Part): void {
    const end = this.#offset;
    const whole = { start: delimiterStart, end: end + lineEnd.length };
    this.#parts.push({ name, isFile, at: { start, end }, whole });
    if (statedBytes !== undefined && statedBytes !== end - start) {
      throw invalidForm(`the field \`${name}\` does not have the length that it states`);
    }
    if (content === undefined) return;
    const bytes = Buffer.concat(content);
    const value = bytes.toString("utf8");
    if (!isUtf8(bytes) || /\p{Cc}/u.test(value)) throw invalidForm(`the field \`${name}\` is not a line of text`);
    this.#fields.set(name, { value, at: { start, end }, lengthAt });
  }

  #consume(count: number): void {
    this.#held = this.#held.subarray(count);
    this.#offset += count;
  }
}

function misplaced(): Error {
  return invalidForm("its boundary does not stand where it should");
}

function trailing(): Error {
  return invalidForm("there is something behind its end");
}

/** Whether a part is one of the watched fields; throws `invalid_form` where parsers might not agree on that. */
function isWatched(head: PartHead, watched: readonly string[], seen: ReadonlyMap<string, unknown>): boolean {
  const { name, isFile, contentType } = head;
  const meant = watched.find((one) => one === name.toLowerCase());
  if (meant === undefined) return false;
  if (meant !== name) throw invalidForm(`the field \`${name}\` must be spelt \`${meant}\``);
  if (seen.has(name)) throw invalidForm(`the field \`${name}\` is given a second time`);
  if (isFile || (contentType !== undefined && contentType !== "text/plain")) {
    throw invalidForm(`the field \`${name}\` must be plain text`);
  }
  return true;
}
