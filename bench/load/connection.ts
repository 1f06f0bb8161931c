import { connect, type Socket } from "node:net";
import { exchangeOf } from "../exchanges.ts";
import { MarkerCounter } from "../marker-counter.ts";
import { MessageReader } from "../message-reader.ts";
import type { LoadOrder } from "./order.ts";

/** What is asked, encoded once for all connections, and what a right reply is. */
export interface Question {
  readonly host: string;
  readonly port: number;
  readonly bytes: Buffer;
  readonly markers: number;
  readonly anyReply: boolean;
}

export function questionOf({ exchange: spec, access, anyReply = false }: LoadOrder): Question {
  const exchange = exchangeOf(spec);
  const { hostname, port, host } = new URL(access.origin);
  const headers = { host, ...exchange.headers, ...access.headers, "content-length": exchange.request.length };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`POST ${access.path ?? exchange.path} HTTP/1.1\r\n${lines.join("")}\r\n`);
  return {
    host: hostname,
    port: Number(port),
    bytes: Buffer.concat([head, exchange.request]),
    markers: exchange.reply.markers,
    anyReply,
  };
}

/** What becomes of one question. Times are `performance.now()`; after `onWhole` or `onFailure` nothing more comes. */
export interface Listener {
  /** Something arrived, and with it so many markers as yet. */
  onProgress?(now: number, markers: number): void;
  onWhole(now: number, status: number): void;
  onFailure(problem: string): void;
}

/** Asks one question at a time, on a connection that it opens when there is none. */
export class Connection {
  readonly #question: Question;
  readonly #counter = new MarkerCounter();
  readonly #reader = new MessageReader((piece) => this.#counter.take(piece));
  #socket: Socket | undefined;
  #listener: Listener | undefined;

  constructor(question: Question) {
    this.#question = question;
  }

  ask(listener: Listener): void {
    this.#listener = listener;
    this.#reader.reset();
    this.#counter.reset();
    this.#socket ??= this.#open();
    this.#socket.write(this.#question.bytes);
  }

  /** Stops reading, as a client that has gone to sleep. */
  pause(): void {
    this.#socket?.pause();
  }

  /** Closes it whatever is under way, of which nothing more is heard. */
  close(): void {
    this.#listener = undefined;
    this.#socket?.destroy();
    this.#socket = undefined;
  }

  #open(): Socket {
    const { host, port } = this.#question;
    const socket = connect({ host, port, noDelay: true });
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
    socket.on("error", (error) => this.#fail(error.message));
    socket.on("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#fail("the connection was closed before the reply was complete");
    });
    return socket;
  }

  #take(bytes: Buffer): void {
    const now = performance.now();
    try {
      const whole = this.#reader.read(bytes);
      this.#listener?.onProgress?.(now, this.#counter.count);
      if (whole) this.#finish(now);
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  #finish(now: number): void {
    const { markers, anyReply } = this.#question;
    const { status } = this.#reader;
    if (!anyReply && (status !== 200 || this.#counter.count !== markers)) {
      this.#fail(`the reply has status ${status} and ${this.#counter.count} of ${markers} texts`);
      return;
    }
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.onWhole(now, status);
  }

  #fail(problem: string): void {
    const listener = this.#listener;
    this.close();
    listener?.onFailure(problem);
  }
}
