import type { Clock } from "../kernel/clock.ts";
import { Slots } from "../kernel/slots.ts";
import type { HttpConnection } from "./http1/index.ts";

/** A request that wants a connection. It is told one of the two, once. */
export interface Waiter {
  onConnection(connection: HttpConnection): void;
  /** No connection became free in time, or too many wait already. */
  onBusy(): void;
}

export interface ConnectionsOptions {
  /** Connections at most, and as many requests may wait for one. */
  readonly maxConnections: number;
  readonly queueTimeoutMs: number;
  readonly clock: Pick<Clock, "monotonic">;
  /** `lost` is to be told when the other side closes one that carries no request. */
  open(lost: (connection: HttpConnection) => void): HttpConnection;
}

/** A connection that waits for a request, and until when it may. */
interface Free {
  readonly connection: HttpConnection;
  /** By the monotonic clock. */
  readonly untilMs: number;
}

const sweepMs = 1_000;

/**
 * The connections to one origin: each carries one request at a time. A free one is found without a search, however many
 * there are: the one used last is taken, so that those not needed grow old and are closed. What the server would close soon is not used.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #open = new Slots<HttpConnection>();
  readonly #slots = new WeakMap<HttpConnection, number>();
  readonly #free: Free[] = [];
  readonly #waiting = new Map<Waiter, NodeJS.Timeout>();
  #sweep: NodeJS.Timeout | undefined;
  #retired = false;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** Gives the waiter a connection now or as soon as there is one. */
  request(waiter: Waiter): void {
    const connection = this.#nextFree() ?? this.#openAnother();
    if (connection !== undefined) return waiter.onConnection(connection);
    const { maxConnections, queueTimeoutMs } = this.#options;
    if (this.#waiting.size >= maxConnections) return waiter.onBusy();
    const timer = setTimeout(() => {
      this.#waiting.delete(waiter);
      waiter.onBusy();
    }, queueTimeoutMs);
    this.#waiting.set(waiter, timer);
  }

  /** The waiter wants no connection any more. */
  withdraw(waiter: Waiter): void {
    if (this.#waiting.size === 0) return;
    clearTimeout(this.#waiting.get(waiter));
    this.#waiting.delete(waiter);
  }

  /** The reply has come whole, and nothing stands in the way of another request. */
  giveBack(connection: HttpConnection): void {
    if (!this.#slots.has(connection)) return;
    const waiter = this.#nextWaiter();
    if (waiter !== undefined) waiter.onConnection(connection);
    else if (this.#retired) this.discard(connection);
    else this.#keep(connection);
  }

  /** Keeps no connection from now on beyond what is in use or waited for. */
  retire(): void {
    this.#retired = true;
    for (const { connection } of this.#free.splice(0)) this.discard(connection);
  }

  /** Whether no connection is open. */
  get empty(): boolean {
    return this.#open.size === 0;
  }

  /** The connection is broken, or in a state that nobody knows. */
  discard(connection: HttpConnection): void {
    this.#forget(connection);
    connection.destroy();
    const another = this.#waiting.size === 0 ? undefined : this.#openAnother();
    if (another !== undefined) this.giveBack(another);
  }

  close(): void {
    clearInterval(this.#sweep);
    for (const waiter of this.#waiting.keys()) {
      this.withdraw(waiter);
      waiter.onBusy();
    }
    this.#free.length = 0;
    for (const connection of this.#open.some(this.#open.size)) {
      this.#forget(connection);
      connection.close();
    }
  }

  #openAnother(): HttpConnection | undefined {
    if (this.#open.size >= this.#options.maxConnections) return undefined;
    const connection = this.#options.open((lost) => this.discard(lost));
    this.#slots.set(connection, this.#open.add(connection));
    return connection;
  }

  #keep(connection: HttpConnection): void {
    this.#free.push({ connection, untilMs: this.#options.clock.monotonic() + connection.keepAliveMs });
    this.#sweep ??= setInterval(() => this.#closeOld(), sweepMs).unref();
  }

  #nextFree(): HttpConnection | undefined {
    const newest = this.#free.pop();
    if (newest === undefined || newest.untilMs > this.#options.clock.monotonic()) return newest?.connection;
    this.discard(newest.connection);
    return this.#nextFree();
  }

  #closeOld(): void {
    const nowMs = this.#options.clock.monotonic();
    for (const { connection } of this.#free.filter(({ untilMs }) => untilMs <= nowMs)) this.discard(connection);
    if (this.#free.length > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  #nextWaiter(): Waiter | undefined {
    if (this.#waiting.size === 0) return undefined;
    const [waiter] = this.#waiting.keys();
    if (waiter !== undefined) this.withdraw(waiter);
    return waiter;
  }

  #forget(connection: HttpConnection): void {
    const slot = this.#slots.get(connection);
    if (slot !== undefined) this.#open.remove(slot);
    this.#slots.delete(connection);
    const index = this.#free.findLastIndex((free) => free.connection === connection);
    if (index !== -1) this.#free.splice(index, 1);
  }
}
