import type { Readable } from "node:stream";
import { AppError } from "../kernel/errors.ts";
import type { Connections, Waiter } from "./connections.ts";
import { Decoding } from "./decoding.ts";
import { classifyFailure } from "./failure.ts";
import type { HttpConnection, OutgoingRequest, ReplyHead, ReplyHeaders, ReplySink } from "./http1/index.ts";
import type { StallWatch, Watched } from "./stall-watch.ts";
import type { UpstreamCall, UpstreamListener, UpstreamRequest } from "./connector.ts";

export interface CallLimits {
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Of these two. */
  readonly watch: StallWatch;
}

/**
 * Carries one request to a provider and its reply to the listener.
 *
 * States: *waiting* – for a connection, or for the head. *flowing* – the head was seen. *done* – ended, failed or aborted;
 * nothing reaches the listener any more, and the request's body, if it is a stream, is destroyed.
 *
 * The connection is let go when the reply's last byte has come, or at the failure or abort.
 */
export class Call implements ReplySink, UpstreamCall, Waiter, Watched {
  readonly #request: UpstreamRequest;
  readonly #listener: UpstreamListener;
  readonly #connections: Connections;
  readonly #limits: CallLimits;
  #state: "waiting" | "flowing" | "done" = "waiting";
  #connection: HttpConnection | undefined;
  #body: Readable | undefined;
  #decoding: Decoding | undefined;
  /** Whether something came since the watch asked last, and when it last had, by the monotonic clock. */
  #active = true;
  #activeMs = 0;
  #sentBytes = 0;
  #paused = false;
  /** The slot in the watch; absent while it does not watch. */
  #watched: number | undefined;

  constructor(request: UpstreamRequest, listener: UpstreamListener, connections: Connections, limits: CallLimits) {
    this.#request = request;
    this.#listener = listener;
    this.#connections = connections;
    this.#limits = limits;
  }

  onConnection(connection: HttpConnection): void {
    this.#connection = connection;
    this.#active = true;
    this.#watched = this.#limits.watch.add(this);
    connection.send(this.#outgoing(), this);
  }

  onBusy(): void {
    this.#fail(new AppError("upstream_busy", { provider: this.#request.provider }));
  }

  onHead({ status, headers }: ReplyHead): void {
    this.#state = "flowing";
    this.#active = true;
    const coding = headers["content-encoding"];
    if (coding === undefined) return this.#listener.onHead(status, headers);
    this.#decodeReply(status, headers, String(coding).toLowerCase());
  }

  onData(bytes: Buffer): void {
    this.#active = true;
    if (this.#decoding === undefined) this.#listener.onData(bytes);
    else this.#decoding.push(bytes);
  }

  onEnd(reusable: boolean): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#unwatch();
    if (this.#decoding === undefined) this.#end();
    else this.#decoding.end();
    if (connection === undefined) return;
    if (reusable) this.#connections.giveBack(connection);
    else this.#connections.discard(connection);
  }

  onError(error: Error): void {
    this.#fail(classifyFailure(error, this.#request.provider, this.#state === "flowing"));
  }

  pause(): void {
    if (this.#decoding === undefined) this.#hold(true);
    else this.#decoding.pause();
  }

  resume(): void {
    if (this.#decoding === undefined) this.#hold(false);
    else this.#decoding.resume();
  }

  abort(): void {
    if (this.#state !== "done") this.#finish();
  }

  /** Fails the call when nothing has come or gone for so long; not while the caller itself takes nothing. */
  checkStall(nowMs: number): void {
    const limitMs = this.#state === "waiting" ? this.#limits.firstByteTimeoutMs : this.#limits.idleTimeoutMs;
    if (this.#active || this.#paused || this.#isSending()) this.#activeMs = nowMs;
    this.#active = false;
    if (nowMs - this.#activeMs < limitMs) return;
    const { provider } = this.#request;
    this.#fail(new AppError("upstream_timeout", { provider, seconds: Math.round(limitMs / 1000) }));
  }

  #unwatch(): void {
    if (this.#watched === undefined) return;
    this.#limits.watch.remove(this.#watched);
    this.#watched = undefined;
  }

  #hold(paused: boolean): void {
    this.#paused = paused;
    this.#active = true;
    if (paused) this.#connection?.pause();
    else this.#connection?.resume();
  }

  #outgoing(): OutgoingRequest {
    const { path, method, headers, body } = this.#request;
    if (body === null || Buffer.isBuffer(body)) return { path, method, headers, body };
    const opened = body.open();
    if (Buffer.isBuffer(opened)) return { path, method, headers, body: opened, isSentOnce: true };
    this.#body = opened;
    opened.on("error", (cause) => this.#fail(new AppError("internal", {}, { cause })));
    return { path, method, headers, body: { sizeBytes: body.sizeBytes, stream: opened } };
  }

  /** Whether a part of the request has gone since this was asked last, and there is more. */
  #isSending(): boolean {
    if (this.#connection?.sending !== true) return false;
    const before = this.#sentBytes;
    this.#sentBytes = this.#connection.sentBytes;
    return this.#sentBytes > before;
  }

  #decodeReply(status: number, headers: ReplyHeaders, coding: string): void {
    const { provider } = this.#request;
    if (coding !== "identity") {
      this.#decoding = Decoding.open(coding, {
        onData: (chunk) => this.#listener.onData(chunk),
        onEnd: () => this.#end(),
        onBroken: (cause) => this.#fail(new AppError("upstream_broke", { provider }, { cause })),
        pause: () => this.#hold(true),
        resume: () => this.#hold(false),
      });
      if (this.#decoding === undefined) {
        const detail = `the reply is encoded as ${coding}`;
        return this.#fail(new AppError("upstream_unreadable", { provider }, { detail }));
      }
    }
    const { "content-encoding": _coding, "content-length": _length, ...decoded } = headers;
    this.#listener.onHead(status, decoded);
  }

  #end(): void {
    if (this.#state === "done") return;
    this.#finish();
    this.#listener.onEnd();
  }

  #fail(error: AppError): void {
    if (this.#state === "done") return;
    this.#finish();
    this.#listener.onFailure(error);
  }

  #finish(): void {
    this.#state = "done";
    this.#unwatch();
    this.#body?.destroy();
    this.#decoding?.destroy();
    this.#connections.withdraw(this);
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) this.#connections.discard(connection);
  }
}
