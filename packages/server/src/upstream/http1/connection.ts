import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { release } from "../../kernel/memory.ts";
import { TurnWrites, type Writer } from "../../kernel/turn-writes.ts";
import { nextTurn, sliceBytes } from "../../kernel/turns.ts";
import type { Connect } from "./connect.ts";
import { ReplyParser } from "./reply-parser.ts";
import type { ReplyHead } from "./reply-head.ts";
import { requestHead, type RequestHead } from "./request-head.ts";

export interface OutgoingRequest extends RequestHead {
  readonly body: Buffer | { readonly sizeBytes: number; readonly stream: Readable } | null;
  /** The body's memory is given back once it is sent: nobody else reads it. */
  readonly isSentOnce?: boolean;
}

/** What becomes of a request. After `onEnd` or `onError`, nothing more is called. */
export interface ReplySink {
  onHead(head: ReplyHead): void;
  /** The bytes are the sink's. */
  onData(bytes: Buffer): void;
  /** The reply is whole. `reusable`: another request may follow on this connection. */
  onEnd(reusable: boolean): void;
  onError(error: Error): void;
}

/** A head and a small body go out as one text, which costs less than two parts. */
const mostAsText = 16 * 1024;
/** Without a word of the server about it, as long as is known to be safe: it may close at any time. */
const keepAliveMs = 4_000;
const longestKeepAliveMs = 600_000;
/** After so much of replies, others get their turn: a fast provider has the system give 2 MiB and more at once. */
const mostAtOnce = 128 * 1024;

/**
 * One HTTP/1.1 connection, which carries one request at a time.
 *
 * States: *connecting* – a request may be given and is sent later. *free*. *busy* – from the sending of a request to the
 * end of its reply. *closed* – by `destroy`, by the server, or by a failure, which the request under way is told.
 *
 * It closes itself when anything comes that nobody asked for, since no later reply could be believed.
 */
export class HttpConnection implements Writer {
  readonly #socket: Socket;
  readonly #host: string;
  readonly #lost: (connection: HttpConnection) => void;
  readonly #writes: TurnWrites;
  readonly #parser = new ReplyParser();
  #state: "connecting" | "free" | "busy" | "closed" = "connecting";
  #request: OutgoingRequest | undefined;
  #sink: ReplySink | undefined;
  #bodyIsSent = true;
  /** The request while it is held back until the turn ends, in Latin-1. */
  #held = "";
  #paused = false;
  #resting = false;
  #readSinceRest = 0;
  /** How long it may stay free after its last reply. */
  keepAliveMs = keepAliveMs;

  /** `lost` is told when a free connection is closed by the other side. */
  constructor(connect: Connect, host: string, lost: (connection: HttpConnection) => void, writes = new TurnWrites()) {
    this.#host = host;
    this.#writes = writes;
    this.#lost = lost;
    this.#socket = connect({
      onRead: (bytes, end) => this.#read(bytes, end),
      onConnected: () => this.#connected(),
      onFailed: (error) => this.#fail(error),
    });
  }

  /** The bytes of requests that have left this process, as far as the operating system tells. */
  get sentBytes(): number {
    return this.#socket.bytesWritten;
  }

  /** Whether a part of the request is still here. */
  get sending(): boolean {
    return this.#state === "busy" && (!this.#bodyIsSent || !this.#allWritten);
  }

  get #allWritten(): boolean {
    return this.#held === "" && this.#socket.writableLength === 0;
  }

  send(request: OutgoingRequest, sink: ReplySink): void {
    this.#sink = sink;
    this.#request = request;
    if (this.#state === "free") this.#write();
    else if (this.#state === "closed") this.#fail(closedEarly());
  }

  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (!this.#resting) this.#socket.resume();
  }

  /** Closes at once; the request under way fails. */
  close(): void {
    this.#fail(closedHere());
    this.destroy();
  }

  /** Closes at once. The request under way hears nothing more. */
  destroy(): void {
    if (this.#state === "busy") this.#writes.ended();
    this.#state = "closed";
    this.#held = "";
    this.#sink = undefined;
    this.#dropBody();
    this.#socket.destroy();
  }

  #connected(): void {
    const socket = this.#socket;
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(closedEarly()));
    socket.on("end", () => this.#ended());
    if (this.#state !== "connecting") return;
    this.#state = "free";
    socket.resume(); // what comes goes to `#read`; this makes the end be told
    if (this.#request !== undefined) this.#write();
  }

  #write(): void {
    const request = this.#request;
    if (request === undefined) return;
    const { body, method } = request;
    this.#state = "busy";
    this.#writes.began();
    this.#bodyIsSent = true;
    this.#parser.reset();
    try {
      if (body === null) {
        const sizeBytes = method === "GET" || method === "DELETE" ? null : 0;
        this.#socket.write(requestHead(request, this.#host, sizeBytes), "latin1");
      } else if (Buffer.isBuffer(body)) {
        this.#writeWhole(requestHead(request, this.#host, body.length), body, request.isSentOnce === true);
        this.#request = undefined; // the bytes are let go of as soon as they are sent
      } else this.#writeStream(requestHead(request, this.#host, body.sizeBytes), body);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new TypeError(String(error)));
    }
  }

  #writeWhole(head: string, body: Buffer, isSentOnce: boolean): void {
    const socket = this.#socket;
    if (body.length <= mostAsText) {
      this.#held = head + body.toString("latin1");
      return this.#writes.gathers ? this.#writes.add(this) : this.flush();
    }
    socket.cork();
    socket.write(head, "latin1");
    this.#writeSlice(body, 0, isSentOnce);
    socket.uncork();
  }

  /**
   * A slice in a turn: where the provider is near and reads fast, the system takes all of 32 MiB in one call, and nothing else
   * is done for the tenth of a second that this lasts.
   */
  #writeSlice(body: Buffer, start: number, isSentOnce: boolean): void {
    const end = Math.min(start + sliceBytes, body.length);
    this.#bodyIsSent = end === body.length;
    this.#socket.write(body.subarray(start, end), (error) => {
      if (error !== undefined && error !== null) return;
      if (end < body.length) void nextTurn().then(() => this.#writeNext(body, end, isSentOnce));
      else if (isSentOnce) release(body);
    });
  }

  #writeNext(body: Buffer, start: number, isSentOnce: boolean): void {
    if (!this.#socket.destroyed) this.#writeSlice(body, start, isSentOnce);
  }

  flush(): void {
    const text = this.#held;
    this.#held = "";
    if (text !== "") this.#socket.write(text, "latin1");
  }

  #writeStream(head: string, { sizeBytes, stream }: { readonly sizeBytes: number; readonly stream: Readable }): void {
    const socket = this.#socket;
    let left = sizeBytes;
    const goOn = (): unknown => stream.resume();
    this.#bodyIsSent = false;
    socket.write(head, "latin1");
    stream.on("data", (chunk: Buffer) => {
      if (socket.destroyed) return;
      left -= chunk.length;
      if (left < 0) return this.#fail(new TypeError("a request's body is longer than it said"));
      if (!socket.write(chunk)) stream.pause();
    });
    stream.on("end", () => {
      if (left > 0) return this.#fail(new TypeError("a request's body is shorter than it said"));
      this.#bodyIsSent = true;
    });
    socket.on("drain", goOn);
    stream.on("close", () => socket.off("drain", goOn));
  }

  #read(bytes: Buffer, end: number): void {
    this.#readSinceRest += end;
    if (this.#readSinceRest >= mostAtOnce) this.#rest();
    if (this.#state === "closed") return;
    const sink = this.#sink;
    if (this.#state !== "busy" || sink === undefined) return this.#close();
    const parser = this.#parser;
    const headSeen = parser.head !== undefined;
    parser.read(bytes, end);
    if (!headSeen && parser.head !== undefined) sink.onHead(parser.head);
    if (parser.data !== undefined && this.#sink === sink) sink.onData(parser.data);
    if (this.#sink !== sink) return; // given up on the way
    if (parser.problem !== undefined) this.#fail(parser.problem);
    else if (parser.ended) this.#endReply(sink);
  }

  /** Reads on in the next turn of the event loop. */
  #rest(): void {
    this.#readSinceRest = 0;
    if (this.#resting) return;
    this.#resting = true;
    this.#socket.pause();
    setImmediate(() => {
      this.#resting = false;
      if (!this.#paused) this.#socket.resume();
    });
  }

  /** The server closes. That may be the end of a reply, or of the connection alone. */
  #ended(): void {
    const sink = this.#sink;
    if (this.#state === "busy" && sink !== undefined && this.#parser.end()) this.#endReply(sink);
    else this.#fail(closedEarly());
  }

  #endReply(sink: ReplySink): void {
    const { head, surplus } = this.#parser;
    const socket = this.#socket;
    this.keepAliveMs = keepAliveOf(head);
    // The rest of a request that is not all sent would be read as the next one.
    const reusable = this.keepAliveMs > 0 && !surplus && this.#bodyIsSent && this.#allWritten && !socket.destroyed;
    this.#state = "free";
    this.#writes.ended();
    this.#sink = undefined;
    this.#dropBody();
    if (this.#paused) this.resume();
    if (!reusable) this.#state = "closed";
    sink.onEnd(reusable);
    if (!reusable) socket.destroy();
  }

  #dropBody(): void {
    const body = this.#request?.body ?? null;
    if (body !== null && !Buffer.isBuffer(body)) body.stream.destroy();
    this.#request = undefined;
  }

  /** Ends the connection; whoever uses it hears of it, else its keeper does. */
  #fail(error: Error): void {
    if (this.#state === "closed" && this.#sink === undefined) return;
    const sink = this.#sink;
    if (sink === undefined) return this.#close();
    this.destroy();
    sink.onError(error);
  }

  #close(): void {
    const wasClosed = this.#state === "closed";
    this.destroy();
    if (!wasClosed) this.#lost(this);
  }
}

/** 0 if no other request may follow. */
function keepAliveOf(head: ReplyHead | undefined): number {
  if (head === undefined || !head.keepAlive || head.bodyEnd === "close") return 0;
  const stated = head.headers["keep-alive"];
  const hint = stated === undefined ? undefined : /\btimeout=(\d{1,6})\b/.exec(String(stated))?.[1];
  // A second less than the server says: it counts from another moment.
  return hint === undefined ? keepAliveMs : Math.min(Number(hint) * 1_000 - 1_000, longestKeepAliveMs);
}

function closedHere(): Error {
  return new Error("the gateway closed the connection");
}

function closedEarly(): Error {
  return new Error("the provider closed the connection");
}
