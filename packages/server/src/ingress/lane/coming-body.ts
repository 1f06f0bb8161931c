import type { Socket } from "node:net";

interface Listeners {
  data?: (chunk: Buffer) => void;
  end?: () => void;
  close?: () => void;
}

/**
 * The body of a request whose head was answered for before the body came whole, as a stream of Node's is to whoever reads it.
 * Until somebody reads, and while whoever reads is paused, what has come waits here and the connection is paused, so that
 * little does.
 */
export class ComingBody {
  readonly sizeBytes: number;
  readonly socket: Socket;
  readonly #listeners: Listeners = {};
  #waiting: Buffer[] = [];
  #missing: number;
  #paused = true;
  #state: "open" | "ended" | "lost" = "open";

  constructor(sizeBytes: number, socket: Socket) {
    this.sizeBytes = sizeBytes;
    this.socket = socket;
    this.#missing = sizeBytes;
  }

  /** How many of its bytes have not come yet. */
  get missing(): number {
    return this.#missing;
  }

  get complete(): boolean {
    return this.#missing === 0;
  }

  get destroyed(): boolean {
    return this.#state === "lost";
  }

  isPaused(): boolean {
    return this.#paused;
  }

  /** One listener for each; `data` starts the flow, in a moment. There are no errors but that the caller has left: `close`. */
  on(event: "data", listener: (chunk: Buffer) => void): void;
  on(event: "end" | "close" | "error", listener: () => void): void;
  on(event: "data" | "end" | "close" | "error", listener: (chunk: Buffer) => void): void {
    if (event === "data") process.nextTick(() => this.resume());
    if (event !== "error") this.#listeners[event] = listener as () => void;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    while (!this.#paused && this.#waiting.length > 0) this.#tell(this.#waiting.shift());
    if (this.#paused || this.#state !== "open") return;
    if (this.#missing > 0) this.socket.resume();
    else this.#end();
  }

  /** Takes its next bytes, all of which are its own. */
  push(chunk: Buffer): void {
    this.#missing -= chunk.length;
    if (this.#paused) {
      this.#waiting.push(chunk);
      if (this.#missing > 0) this.socket.pause();
      return;
    }
    this.#tell(chunk);
    if (this.#missing === 0 && !this.#paused) this.#end();
  }

  /** The caller has left before the end, or has said that no more comes. */
  lose(): void {
    if (this.#state !== "open" || this.#missing === 0) return;
    this.#state = "lost";
    this.#waiting = [];
    this.#listeners.close?.();
  }

  #tell(chunk: Buffer | undefined): void {
    if (chunk !== undefined) this.#listeners.data?.(chunk);
  }

  #end(): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#listeners.end?.();
  }
}
