import type { Socket } from "node:net";
import type { Client } from "undici";

/** One connection to an origin, kept from one request to the next. It is opened by its first request. */
export interface Connection {
  readonly client: Client;
  /** Absent until the connection has been made. */
  socket: Socket | undefined;
}

/** A request that wants a connection. It is told one of the two, once. */
export interface Waiter {
  onConnection(connection: Connection): void;
  /** No connection became free in time, or too many wait already. */
  onBusy(): void;
}

export interface ConnectionsOptions {
  /** Connections at most, and as many requests may wait for one. */
  readonly maxConnections: number;
  readonly queueTimeoutMs: number;
  open(): Connection;
}

/**
 * The connections to one origin: each carries one request at a time. A free one is found without a search, however many
 * there are: the one used last is taken, so that those not needed close by themselves.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #open = new Set<Connection>();
  readonly #free: Connection[] = [];
  readonly #waiting = new Map<Waiter, NodeJS.Timeout>();
  #retired = false;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** Gives the waiter a connection now or as soon as there is one. */
  request(waiter: Waiter): void {
    const connection = this.#free.pop() ?? this.#openAnother();
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
    clearTimeout(this.#waiting.get(waiter));
    this.#waiting.delete(waiter);
  }

  /** The reply has come whole, and nothing stands in the way of another request. */
  giveBack(connection: Connection): void {
    if (!this.#open.has(connection)) return;
    const waiter = this.#nextWaiter();
    if (waiter !== undefined) waiter.onConnection(connection);
    else if (this.#retired) this.discard(connection);
    else this.#free.push(connection);
  }

  /** Keeps no connection from now on beyond what is in use or waited for. */
  retire(): void {
    this.#retired = true;
    for (const connection of this.#free.splice(0)) this.discard(connection);
  }

  /** Whether no connection is open. */
  get empty(): boolean {
    return this.#open.size === 0;
  }

  /** The connection is broken, or in a state that nobody knows. */
  discard(connection: Connection): void {
    this.#forget(connection);
    void connection.client.destroy();
    const waiter = this.#waiting.size === 0 ? undefined : this.#openAnother();
    if (waiter !== undefined) this.giveBack(waiter);
  }

  async close(): Promise<void> {
    for (const waiter of this.#waiting.keys()) {
      this.withdraw(waiter);
      waiter.onBusy();
    }
    const open = [...this.#open];
    this.#open.clear();
    this.#free.length = 0;
    await Promise.all(open.map(({ client }) => client.destroy()));
  }

  #openAnother(): Connection | undefined {
    if (this.#open.size >= this.#options.maxConnections) return undefined;
    const connection = this.#options.open();
    this.#open.add(connection);
    connection.client.on("disconnect", () => this.#disconnected(connection));
    return connection;
  }

  /** One that is in use tells its request itself; a free one is not missed. */
  #disconnected(connection: Connection): void {
    if (this.#free.includes(connection)) this.discard(connection);
  }

  #nextWaiter(): Waiter | undefined {
    const [waiter] = this.#waiting.keys();
    if (waiter !== undefined) this.withdraw(waiter);
    return waiter;
  }

  #forget(connection: Connection): void {
    this.#open.delete(connection);
    const index = this.#free.lastIndexOf(connection);
    if (index !== -1) this.#free.splice(index, 1);
  }
}
