import type { Socket } from "node:net";
import { AppError } from "../../kernel/errors.ts";
import type { Allowed } from "../callers.ts";
import { checkHead } from "../head.ts";
import { answerOn } from "../unreadable.ts";
import { ComingBody } from "./coming-body.ts";
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

/** A request up to this size is answered for when it has come whole, a larger one as soon as its head has. */
const mostBytes = 64 * 1024;
/** The smaller one is Node's if it comes in more pieces than this. */
const mostPieces = 8;
/** How long a caller that was refused may go on sending a body that nobody reads: cut at once, it might not see the reply. */
const lingerMs = 2_000;

/**
 * One connection, for as long as what comes on it is plain: a lane beside Node's server, which reads everything.
 *
 * States: *idle* – nothing of a request has come, or only its beginning (`#held`). *busy* – a request is being answered; of a
 * large one the body may be coming (`#coming`), and what comes behind it waits (`#held`), and if it is much the caller is made
 * to wait with it. *left* – the connection is gone, or Node's.
 *
 * Idle leads to busy with a plain request, whole or large; to left with anything else, which Node is given from its first byte on.
 * Busy leads to idle when the reply is over and the body has come, and to left when the connection closes.
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
  #coming: ComingBody | undefined;
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

  /** How much has not come yet of the body of the request that is being answered. */
  get #missing(): number {
    return this.#coming?.missing ?? 0;
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#reply === undefined) return this.#take(this.#withHeld(chunk));
    const missing = this.#missing;
    if (missing > 0) this.#coming?.push(chunk.length > missing ? chunk.subarray(0, missing) : chunk);
    if (chunk.length <= missing) return;
    // Read on while that is not much: who does not read does not learn that a caller has left.
    this.#held = this.#withHeld(missing === 0 ? chunk : chunk.subarray(missing));
    this.#pieces += 1;
    if (this.#pieces >= mostPieces || this.#held.length >= mostBytes) this.#socket.pause();
  };

  readonly #onEnd = (): void => {
    if (this.#missing > 0) return this.#coming?.lose();
    if (this.#held === undefined || this.#reply !== undefined) return void this.#socket.end();
    this.#letGo();
    answerOn(this.#socket, new AppError("invalid_request", { problem: "the request body ended early" }));
  };
  readonly #onError = (): void => undefined; // `close` follows

  readonly #onClose = (): void => {
    const [reply, coming] = [this.#reply, this.#coming];
    this.#letGo();
    coming?.lose();
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
    if (body === undefined || head === undefined) return this.#leave(bytes);
    const isLarge = body.end > mostBytes;
    if (body.end > bytes.length && !isLarge) return this.#hold(bytes);
    this.#pieces = 0;
    if (body.end < bytes.length) this.#held = bytes.subarray(body.end);
    this.#isFresh = false;
    this.#parts.writes.began();
    const came = bytes.subarray(body.start, body.end);
    this.#coming = isLarge ? new ComingBody(body.end - body.start, this.#socket) : undefined;
    this.#reply = new PlainReply(this.#socket, this.#parts, this.#over, this.#coming);
    if (came.length > 0) this.#coming?.push(came);
    const request = new PlainRequest(head, this.#coming ?? came, this.#socket);
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
    const isRefused = this.#missing > 0;
    this.#endReply();
    this.#idleMs = 0;
    this.#tellOver();
    if (isRefused) this.#linger();
    else if (!keep) this.#endConnection();
    else if (this.#held !== undefined) setImmediate(() => this.#goOn());
  };

  /** What has come behind the last reply, or comes until the connection is closed, is not read as a request. */
  #endConnection(): void {
    this.#socket.off("data", this.#onData);
    this.#held = undefined;
    this.#socket.destroySoon();
  }

  /** The rest of a body that nobody wanted is read and thrown away for a while, so that the caller sees the reply. */
  #linger(): void {
    const socket = this.#socket;
    socket.off("data", this.#onData);
    socket.on("data", () => undefined);
    socket.end();
    socket.resume();
    const cut = setTimeout(() => socket.destroy(), lingerMs);
    socket.once("close", () => clearTimeout(cut));
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
    this.#coming = undefined;
  }
}
