import type { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import { AppError } from "../kernel/errors.ts";
import type { Connection, Connections, Waiter } from "./connections.ts";
import { Decoding } from "./decoding.ts";
import { classifyFailure } from "./failure.ts";
import type { ReplyHeaders, UpstreamCall, UpstreamListener, UpstreamRequest } from "./connector.ts";

export interface CallLimits {
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** Interim replies (1xx) that are passed over; a provider that sends more is not going to answer. */
const maxInterimReplies = 32;

/**
 * Carries one request to a provider and its reply to the listener.
 *
 * States: *waiting* – for a connection, or for the head. *flowing* – the head was seen. *done* – ended, failed or aborted;
 * nothing reaches the listener any more, and the request's body, if it is a stream, is destroyed.
 *
 * The connection is let go when the reply's last byte has come, or at the failure or abort: to be used again only if the
 * whole request went out, since the rest of one would be read as the next.
 */
export class Call implements Dispatcher.DispatchHandler, UpstreamCall, Waiter {
  readonly #request: UpstreamRequest;
  readonly #listener: UpstreamListener;
  readonly #connections: Connections;
  readonly #limits: CallLimits;
  #state: "waiting" | "flowing" | "done" = "waiting";
  #connection: Connection | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #body: Readable | undefined;
  #decoding: Decoding | undefined;
  /** What has come in this turn. Fields that are emptied: an array per turn, once it is old, keeps its chunks until a full collection. */
  #first: Buffer | undefined;
  #further: Buffer[] | undefined;
  #interimReplies = 0;
  #headTimer: NodeJS.Timeout | undefined;

  constructor(request: UpstreamRequest, listener: UpstreamListener, connections: Connections, limits: CallLimits) {
    this.#request = request;
    this.#listener = listener;
    this.#connections = connections;
    this.#limits = limits;
  }

  onConnection(connection: Connection): void {
    this.#connection = connection;
    connection.client.dispatch(this.#dispatchOptions(), this);
  }

  onBusy(): void {
    this.#fail(new AppError("upstream_busy", { provider: this.#request.provider }));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: ReplyHeaders): void {
    controller.rawHeaders = null; // nobody reads them, and they would keep the whole first chunk until the reply has ended
    if (this.#state === "done") return;
    if (status < 200) return this.#passOverInterimReply();
    clearTimeout(this.#headTimer);
    this.#state = "flowing";
    const coding = headers["content-encoding"];
    if (coding === undefined) return this.#listener.onHead(status, headers);
    this.#decodeReply(status, headers, String(coding).toLowerCase());
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state !== "flowing") return;
    if (this.#first !== undefined) return void (this.#further ??= []).push(chunk);
    this.#first = chunk;
    queueMicrotask(() => this.#deliver());
  }

  onResponseEnd(): void {
    if (this.#state === "done") return;
    const socket = this.#connection?.socket;
    // A reply that ends with its connection looks whole to the parser even if the connection was reset.
    if (socket !== undefined && socket.errored !== null) return this.onResponseError(undefined, socket.errored);
    this.#deliver();
    this.#release(socket !== undefined && socket.writableLength === 0);
    if (this.#decoding === undefined) this.#end();
    else this.#decoding.end();
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.#state === "done") return;
    this.#deliver();
    const { firstByteTimeoutMs, idleTimeoutMs } = this.#limits;
    const headSeen = this.#state === "flowing";
    const seconds = Math.round((headSeen ? idleTimeoutMs : firstByteTimeoutMs) / 1000);
    this.#fail(classifyFailure(error, this.#request.provider, headSeen, seconds));
  }

  pause(): void {
    if (this.#decoding === undefined) this.#controller?.pause();
    else this.#decoding.pause();
  }

  resume(): void {
    if (this.#decoding === undefined) this.#controller?.resume();
    else this.#decoding.resume();
  }

  abort(): void {
    if (this.#state !== "done") this.#finish();
  }

  /** What came in one read goes on as one piece, in however many chunks of whatever size it was sent. */
  #deliver(): void {
    const first = this.#first;
    const further = this.#further;
    this.#first = undefined;
    this.#further = undefined;
    if (first === undefined || this.#state === "done") return;
    const bytes = further === undefined ? first : Buffer.concat([first, ...further]);
    if (this.#decoding === undefined) this.#listener.onData(bytes);
    else this.#decoding.push(bytes);
  }

  #dispatchOptions(): Dispatcher.DispatchOptions {
    const { path, method, headers, body } = this.#request;
    if (body === null || Buffer.isBuffer(body)) return { path, method, headers: headers as string[], body };
    const stream = body.open();
    this.#body = stream;
    stream.on("error", (cause) => this.#fail(new AppError("internal", {}, { cause })));
    return { path, method, headers: [...headers, "content-length", String(body.sizeBytes)], body: stream };
  }

  /** Each one starts the wait for the head anew in the HTTP client, so the whole wait has a timer of its own. */
  #passOverInterimReply(): void {
    const { provider } = this.#request;
    const { firstByteTimeoutMs } = this.#limits;
    this.#interimReplies += 1;
    if (this.#interimReplies > maxInterimReplies) {
      return this.#fail(new AppError("upstream_unreadable", { provider }, { detail: "too many interim replies" }));
    }
    this.#headTimer ??= setTimeout(
      () => this.#fail(new AppError("upstream_timeout", { provider, seconds: Math.round(firstByteTimeoutMs / 1000) })),
      firstByteTimeoutMs,
    );
  }

  #decodeReply(status: number, headers: ReplyHeaders, coding: string): void {
    const { provider } = this.#request;
    if (coding !== "identity") {
      this.#decoding = Decoding.open(coding, {
        onData: (chunk) => this.#listener.onData(chunk),
        onEnd: () => this.#end(),
        onBroken: (cause) => this.#fail(new AppError("upstream_broke", { provider }, { cause })),
        pause: () => this.#controller?.pause(),
        resume: () => this.#controller?.resume(),
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
    clearTimeout(this.#headTimer);
    this.#body?.destroy();
    this.#decoding?.destroy();
    this.#connections.withdraw(this);
    this.#release(false);
  }

  /** Not before the HTTP client is done with what it read: more may follow the reply, and then the connection is closed. */
  #release(reusable: boolean): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    const connections = this.#connections;
    queueMicrotask(() => (reusable ? connections.giveBack(connection) : connections.discard(connection)));
  }
}
