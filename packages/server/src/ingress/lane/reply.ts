import type { Socket } from "node:net";
import type { TurnWrites, Writer } from "../../kernel/turn-writes.ts";
import type { HttpReply } from "../http.ts";
import { STATUS_CODES } from "../node-http.ts";
import type { ComingBody } from "./coming-body.ts";

/** What a reply needs to know of the connections it is written for. */
export interface ReplyPlace {
  /** For the `date` header. */
  readonly date: string;
  /** For the `keep-alive` header. */
  readonly keepAliveMs: number;
  /** How long a caller may leave unread what was sent to it. */
  readonly writeTimeoutMs: number;
  readonly writes: TurnWrites;
}

/** Up to this size, head and body or a chunk and its frame are one text: that takes less time than parts to be gathered. */
const mostAsText = 16 * 1024;

/**
 * The reply to a request that came on a lane, written as HTTP/1.1 (RFC 9112 §4, §7.1): with its length where that is known
 * when the head goes out, in chunks otherwise. `over` is told once the last byte is with the operating system.
 */
export class PlainReply implements HttpReply, Writer {
  shouldKeepAlive = true;
  readonly #socket: Socket;
  readonly #place: ReplyPlace;
  readonly #over: () => void;
  readonly #coming: Pick<ComingBody, "complete"> | undefined;
  readonly #left: (() => void)[] = [];
  /** What is sent before anything else; empty once it is. */
  #head = "";
  /** What is held back until the turn ends, in Latin-1. */
  #held = "";
  #isDue = false;
  #state: "waiting" | "open" | "ended" | "lost" = "waiting";
  #status = 0;
  /** Whether the head says how long the body is. */
  #isMeasured = false;
  /** What is given for one then is not sent (RFC 9112 §6.3): it would be taken for the next reply. */
  #hasNoBody = false;
  #isChunked = false;
  #watched = false;

  /** Behind a reply that begins before the body of its request has come, nothing follows. */
  constructor(socket: Socket, place: ReplyPlace, over: () => void, coming?: Pick<ComingBody, "complete">) {
    this.#socket = socket;
    this.#place = place;
    this.#over = over;
    this.#coming = coming;
  }

  get headersSent(): boolean {
    return this.#status !== 0;
  }

  get destroyed(): boolean {
    return this.#socket.destroyed;
  }

  get writableNeedDrain(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Throws if a name or a value would be more than one line, or could not be sent as it is. */
  writeHead(status: number, headers: readonly string[]): void {
    if (this.#status !== 0) throw new Error("the head of this reply was written before");
    let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
    let isMeasured = false;
    for (let index = 0; index + 1 < headers.length; index += 2) {
      const name = headers[index] ?? "";
      if (name === "content-length") isMeasured = true;
      text += `${name}: ${headers[index + 1] ?? ""}\r\n`;
    }
    if (countLines(text) !== headers.length / 2 + 1)
      throw new Error("a header of this reply is not one line of Latin-1");
    this.#status = status;
    this.#isMeasured = isMeasured;
    this.#hasNoBody = status === 204 || status === 304;
    this.#head = text;
  }

  flushHeaders(): void {
    this.#openBody();
    this.#send("");
  }

  write(chunk: Buffer): boolean {
    this.#openBody();
    if (chunk.length > 0 && !this.#hasNoBody && this.#state === "open") this.#sendChunk(chunk);
    return !this.#socket.writableNeedDrain;
  }

  end(body?: Buffer | string, encoding: "latin1" | "utf8" = "utf8"): void {
    if (this.#state === "ended" || this.#state === "lost") return;
    const given = this.#hasNoBody ? "" : (body ?? "");
    const bytes = typeof given === "string" && encoding === "utf8" ? Buffer.from(given) : given;
    if (this.#state === "waiting") this.#sendWhole(bytes);
    else this.#endBody(bytes);
    this.#state = "ended";
    if (!this.#isDue) this.#finishSent();
  }

  destroy(): void {
    this.#writeHeld();
    this.#socket.destroy();
  }

  on(_event: "close", listener: () => void): void {
    this.#left.push(listener);
  }

  once(_event: "drain", listener: () => void): void {
    this.#socket.once("drain", listener);
  }

  /** To be called when the connection is gone and the reply is not over. */
  lost(): void {
    this.#state = "lost";
    for (const listener of this.#left) listener();
  }

  flush(): void {
    this.#isDue = false;
    this.#writeHeld();
    if (this.#state === "ended") this.#finishSent();
  }

  #writeHeld(): void {
    const text = this.#held;
    this.#held = "";
    if (text === "" || this.#state === "lost") return;
    this.#socket.write(text, "latin1");
    this.#watch();
  }

  /** When everything has been taken by the operating system, mostly now. */
  #finishSent(): void {
    if (this.#socket.writableLength === 0) this.#finish();
    else
      this.#socket.write("", (error) => {
        if (!error) this.#finish(); // else it is lost, and `close` says so
      });
  }

  #finish(): void {
    if (this.#watched) this.#socket.setTimeout(0);
    if (this.#state === "ended") this.#over();
  }

  #sendWhole(body: Buffer | string): void {
    this.#endHead(body.length);
    if (typeof body === "string") this.#send(body);
    else if (body.length <= mostAsText) this.#send(body.toString("latin1"));
    else this.#sendParts("", body, "");
  }

  /** From here on the body comes in parts. */
  #openBody(): void {
    if (this.#state !== "waiting") return;
    this.#endHead(undefined);
    this.#state = "open";
  }

  #sendChunk(chunk: Buffer): void {
    const [before, after] = this.#isChunked ? [`${chunk.length.toString(16)}\r\n`, "\r\n"] : ["", ""];
    if (chunk.length <= mostAsText) this.#send(before + chunk.toString("latin1") + after);
    else this.#sendParts(before, chunk, after);
  }

  #endBody(body: Buffer | string): void {
    if (body.length > 0) this.#sendChunk(typeof body === "string" ? Buffer.from(body, "latin1") : body);
    this.#send(this.#isChunked ? "0\r\n\r\n" : "");
  }

  /** In Latin-1, with the head before it if that is still to be sent. */
  #send(text: string): void {
    this.#held += this.#head + text;
    this.#head = "";
    const { writes } = this.#place;
    if (!this.#isDue && !writes.gathers) return this.#writeHeld();
    if (!this.#isDue) writes.add(this);
    this.#isDue = true;
  }

  #sendParts(before: string, bytes: Buffer, after: string): void {
    const socket = this.#socket;
    this.#held += this.#head + before;
    this.#head = "";
    socket.cork();
    this.#writeHeld();
    socket.write(bytes);
    if (after !== "") socket.write(after, "latin1");
    socket.uncork();
    this.#watch();
  }

  /** Most of what is written is with the operating system at once; what is not may be left unread for so long. */
  #watch(): void {
    if (this.#watched || this.#socket.writableLength === 0) return;
    this.#watched = true;
    this.#socket.setTimeout(this.#place.writeTimeoutMs);
  }

  /** The rest of the head: how the body ends, and what is said of the connection. */
  #endHead(sizeBytes: number | undefined): void {
    if (this.#status === 0) throw new Error("a reply begins with its head");
    let text = this.#head;
    if (!this.#isMeasured && !this.#hasNoBody) {
      this.#isChunked = sizeBytes === undefined;
      text += sizeBytes === undefined ? "transfer-encoding: chunked\r\n" : `content-length: ${sizeBytes}\r\n`;
    }
    if (this.#coming?.complete === false) this.shouldKeepAlive = false;
    const { date, keepAliveMs } = this.#place;
    const connection = this.shouldKeepAlive
      ? `connection: keep-alive\r\nkeep-alive: timeout=${Math.floor(keepAliveMs / 1000)}`
      : "connection: close";
    this.#head = `${text}date: ${date}\r\n${connection}\r\n\r\n`;
  }
}

/** How many lines, each ended by CR LF, a text is; -1 if it holds other control characters or what is not Latin-1. */
function countLines(text: string): number {
  let lines = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code >= 32 && code !== 127 && code <= 255) continue;
    if (code === 9) continue;
    if (code !== 13 || text.charCodeAt(index + 1) !== 10) return -1;
    lines += 1;
    index += 1;
  }
  return lines;
}
