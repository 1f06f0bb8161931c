import type { ServerResponse } from "node:http";
import { isIPv6, type Socket } from "node:net";
import { AppError } from "../kernel/errors.ts";

export interface ConnectionLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

/** What is known of a connection. */
interface Connection {
  readonly source: string;
  /** The reply to the latest request on it. */
  reply: ServerResponse | undefined;
  /** Whether it is closed behind that reply. */
  givenUp: boolean;
}

/** The open connections of a listener: how many there may be, and what goes on on each. */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #open = new Map<Socket, Connection>();
  readonly #perSource = new Map<string, number>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Takes a connection in until it closes, or gives the error it is turned away with. */
  admit(socket: Socket): AppError | undefined {
    const { maxConnections, maxConnectionsPerAddress } = this.#limits;
    const source = sourceOf(socket.remoteAddress ?? "");
    const ofSource = this.#perSource.get(source) ?? 0;
    if (this.#open.size >= maxConnections) return tooMany("", "max_connections");
    if (ofSource >= maxConnectionsPerAddress) return tooMany(" from your address", "max_connections_per_address");
    this.#perSource.set(source, ofSource + 1);
    this.#open.set(socket, { source, reply: undefined, givenUp: false });
    socket.once("close", () => this.#remove(socket, source));
    return undefined;
  }

  #remove(socket: Socket, source: string): void {
    this.#open.delete(socket);
    const left = (this.#perSource.get(source) ?? 1) - 1;
    if (left === 0) this.#perSource.delete(source);
    else this.#perSource.set(source, left);
  }

  /** Remembers the reply to a request that has come in. `false`: the connection was given up, and this is no request. */
  began(socket: Socket, reply: ServerResponse): boolean {
    const connection = this.#open.get(socket);
    if (connection === undefined || connection.givenUp) return false;
    connection.reply = reply;
    return true;
  }

  /** Takes no more requests from a connection: where the latest one ends is in doubt. */
  giveUp(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection !== undefined) connection.givenUp = true;
  }

  /** The reply to the latest request of a connection, finished or not; `undefined` before the first. */
  replyOn(socket: Socket): ServerResponse | undefined {
    return this.#open.get(socket)?.reply;
  }

  /** Resolves once the replies that are under way now are over, whatever came of them. */
  async repliesOver(): Promise<void> {
    const underWay = [...this.#open.values()].flatMap(({ reply }) =>
      reply === undefined || reply.closed ? [] : [reply],
    );
    await Promise.all(underWay.map((reply) => new Promise((done) => void reply.once("close", done))));
  }

  /** Resolves once every connection that is open now has closed. */
  async allClosed(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((socket) => new Promise((done) => void socket.once("close", done))));
  }
}

function tooMany(whose: string, setting: string): AppError {
  return new AppError("too_many_connections", { whose, setting });
}

/** What counts as one caller: an address; of IPv6 its network of 2⁶⁴ addresses, all of which one caller has. */
export function sourceOf(address: string): string {
  if (!isIPv6(address) || address.includes(".")) return address;
  const [left = "", right = ""] = address.split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === "" ? [] : right.split(":");
  return [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail].slice(0, 4).join(":");
}
