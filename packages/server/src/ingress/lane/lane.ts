import type { Socket } from "node:net";
import { AppError } from "../../kernel/errors.ts";
import type { Allowed } from "../callers.ts";
import { checkHead } from "../head.ts";
import { answerOn } from "../unreadable.ts";
import { readPlainHead, type BodyPlace, type PlainHead } from "./head.ts";
import { PlainReply, type ReplyPlace } from "./reply.ts";
import { PlainRequest } from "./request.ts";

/** What answers the requests of lanes. */
export interface PlainPlane {
  /** Whether requests for that path are taken off a lane. */
  takes(path: string): boolean;
  answer(request: PlainRequest, reply: PlainReply, path: string): void;
}

/** What lanes share. What may change while they are open is read anew each time. */
export interface LaneParts extends ReplyPlace {
  readonly plane: PlainPlane;
  readonly rules: Allowed;
  readonly headTimeoutMs: number;
  /** Whether requests are taken at all; they are not any more while the listener closes. */
  readonly isOpen: boolean;
  /** Has Node serve a connection from here on. */
  giveToNode(socket: Socket): void;
}

/** A request is taken off a lane when it has come whole, which nobody waits for if it is larger: its caller is not known yet. */
const mostBytes = 64 * 1024;
/** Nor if it comes in more pieces than this. */
const mostPieces = 8;

/**
 * One connection, for as long as what comes on it is plain: a lane beside Node's server, which reads everything.
 *
 * States: *idle* – nothing of a request has come, or only its beginning (`#held`). *busy* – a request is being answered;
 * what comes meanwhile waits (`#held`), and if it is much the caller is made to wait with it. *left* – the connection is gone, or Node's.
 *
 * Idle leads to busy with a whole plain request; to left with anything else, which Node is given from its first byte on. Busy leads
 * to idle when the reply is over, and to left when the connection closes.
 */
export class Lane {
  readonly #socket: Socket;
  readonly #parts: LaneParts;
  readonly #left: () => void;
  /** The head that came last, and for which rules it was found in order. */
  #head: PlainHead | undefined;
  #checkedHosts: unknown;
  #checkedOrigins: unknown;
  #reply: PlainReply | undefined;
  #held: Buffer | undefined;
  #pieces = 0;
  #isFresh = true;
  #idleMs = 0;
  #whenOver: (() => void) | undefined;

  /** `left` is called once, when the lane is at its end. */
  constructor(socket: Socket, parts: LaneParts, left: () => void) {
    this.#socket = socket;
    this.#parts = parts;
    this.#left = left;
    socket.on("data", this.#onData);
    socket.on("end", this.#onEnd);
    socket.on("error", this.#onError);
    socket.on("close", this.#onClose);
    socket.on("timeout", this.#onTimeout);
  }

  /** Counts the time in which nothing went on, and ends a connection on which that is too long. */
  pass(ms: number): void {
    if (this.#reply !== undefined) return;
    this.#idleMs += ms;
    if (this.#held !== undefined) return this.#leave(this.#held); // Node watches how fast a body comes
    const { headTimeoutMs, keepAliveMs } = this.#parts;
    if (!this.#isFresh && this.#idleMs > keepAliveMs) this.#socket.destroy();
    if (!this.#isFresh || this.#idleMs <= headTimeoutMs) return;
    this.#letGo();
    answerOn(this.#socket, new AppError("head_timeout"));
  }

  /** Resolves once the reply that is under way is over, whatever came of it. */
  replyOver(): Promise<void> {
    if (this.#reply === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.#whenOver;
      this.#whenOver = () => {
        before?.();
        resolve();
      };
    });
  }

  cut(): void {
    this.#socket.destroy();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#reply === undefined) return this.#take(this.#withHeld(chunk));
    // Read on while that is not much: who does not read does not learn that a caller has left.
    this.#held = this.#withHeld(chunk);
    this.#pieces += 1;
    if (this.#pieces >= mostPieces || this.#held.length >= mostBytes) this.#socket.pause();
  };

  readonly #onEnd = (): void => {
    if (this.#held === undefined || this.#reply !== undefined) return void this.#socket.end();
    this.#letGo();
    answerOn(this.#socket, new AppError("invalid_request", { problem: "the request body ended early" }));
  };
  readonly #onError = (): void => undefined; // `close` follows

  readonly #onClose = (): void => {
    const reply = this.#reply;
    this.#letGo();
    reply?.lost();
    this.#tellOver();
  };

  readonly #onTimeout = (): void => {
    if (this.#socket.writableLength > 0) this.#socket.destroy();
  };

  #withHeld(chunk: Buffer): Buffer {
    const whole = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    this.#held = undefined;
    return whole;
  }

  #take(bytes: Buffer): void {
    const body = this.#parts.isOpen ? this.#bodyOf(bytes) : undefined;
    const head = this.#head;
    if (body === undefined || head === undefined || body.end > mostBytes) return this.#leave(bytes);
    if (body.end > bytes.length) return this.#hold(bytes);
    this.#pieces = 0;
    if (body.end < bytes.length) this.#held = bytes.subarray(body.end);
    this.#isFresh = false;
    this.#parts.writes.began();
    this.#reply = new PlainReply(this.#socket, this.#parts, this.#over);
    const request = new PlainRequest(head, bytes.subarray(body.start, body.end), this.#socket);
    this.#parts.plane.answer(request, this.#reply, head.path);
  }

  /** Waits for the rest of a request. */
  #hold(bytes: Buffer): void {
    this.#pieces += 1;
    if (this.#pieces > mostPieces) return this.#leave(bytes);
    this.#held = bytes;
  }

  /** Where the body is of the request that the bytes begin with, if that is plain, in order, and for a lane. */
  #bodyOf(bytes: Buffer): BodyPlace | undefined {
    const { plane, rules } = this.#parts;
    const isChecked = this.#checkedHosts === rules.hosts && this.#checkedOrigins === rules.origins;
    const again = isChecked ? this.#head?.again(bytes) : undefined;
    if (again !== undefined) return again;
    const read = readPlainHead(bytes);
    if (read === undefined || !plane.takes(read.head.path)) return undefined;
    const { url, headers, rawHeaders } = read.head;
    const seen = {
      method: "POST",
      url,
      headers,
      rawHeaders: [...rawHeaders, "content-length", ""], // it counts as one of them
      httpVersionMajor: 1,
      httpVersionMinor: 1,
    };
    if (checkHead(seen, rules) !== undefined) return undefined;
    this.#head = read.head;
    this.#checkedHosts = rules.hosts;
    this.#checkedOrigins = rules.origins;
    return read.body;
  }

  readonly #over = (): void => {
    const keep = this.#reply?.shouldKeepAlive === true;
    this.#endReply();
    this.#idleMs = 0;
    this.#tellOver();
    if (!keep) this.#endConnection();
    else if (this.#held !== undefined) setImmediate(() => this.#goOn());
  };

  /** What has come behind the last reply, or comes until the connection is closed, is not read as a request. */
  #endConnection(): void {
    this.#socket.off("data", this.#onData);
    this.#held = undefined;
    this.#socket.destroySoon();
  }

  /** With what came while the reply before was under way. */
  #goOn(): void {
    const held = this.#held;
    if (held === undefined || this.#reply !== undefined || this.#socket.destroyed) return;
    this.#held = undefined;
    this.#socket.resume();
    this.#take(held);
  }

  #tellOver(): void {
    const tell = this.#whenOver;
    this.#whenOver = undefined;
    tell?.();
  }

  /** Everything from these bytes on is Node's. */
  #leave(bytes: Buffer): void {
    this.#letGo();
    this.#socket.pause();
    this.#socket.unshift(bytes);
    this.#parts.giveToNode(this.#socket);
    this.#socket.resume();
  }

  #letGo(): void {
    const socket = this.#socket;
    socket.off("data", this.#onData);
    socket.off("end", this.#onEnd);
    socket.off("error", this.#onError);
    socket.off("close", this.#onClose);
    socket.off("timeout", this.#onTimeout);
    this.#endReply();
    this.#held = undefined;
    this.#left();
  }

  #endReply(): void {
    if (this.#reply !== undefined) this.#parts.writes.ended();
    this.#reply = undefined;
  }
}
