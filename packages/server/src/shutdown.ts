import { setTimeout as pause } from "node:timers/promises";
import type { Listener } from "./ingress/index.ts";

/** Read when the time comes. */
interface DrainTimes {
  /** How long requests are still taken while readiness says no. */
  readonly delayMs: number;
  /** How long requests under way may then go on. */
  readonly limitMs: number;
}

/**
 * How a gateway leaves, so that nobody's request is lost on the way: first it says that it is not ready, and for a while
 * answers as before, until whoever spreads the load has noticed; then it refuses requests and waits for those under way;
 * then it ends what is left with an error in words.
 */
export class Shutdown {
  readonly #times: DrainTimes;
  readonly #listeners: Listener[] = [];
  #begun = false;
  #cutAll: () => void = () => undefined;

  constructor(times: DrainTimes) {
    this.#times = times;
  }

  get begun(): boolean {
    return this.#begun;
  }

  add(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** What ends the replies under way. */
  cutWith(cutAll: () => void): void {
    this.#cutAll = cutAll;
  }

  /** Resolves when every listener is closed. */
  async run(): Promise<void> {
    this.#begun = true;
    const { delayMs, limitMs } = this.#times;
    for (const listener of this.#listeners) listener.leave();
    if (delayMs > 0 && this.#listeners.length > 0) await pause(delayMs);
    const drain = { drainMs: limitMs, beforeCut: this.#cutAll };
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.close(drain)));
  }
}
