import type { ServerResponse } from "node:http";
import { isIPv6, type Socket } from "node:net";
import { AppError } from "../kernel/errors.ts";
import { Slots } from "../kernel/slots.ts";
import { SourceCounts } from "./source-counts.ts";

export interface ConnectionLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

/** What is known of a connection. */
interface Connection {
  readonly socket: Socket;
  /** The reply to the latest request on it. */
  reply: ServerResponse | undefined;
  /** Whether it is closed behind that reply. */
  givenUp: boolean;
}

/** The open connections of a listener: how many there may be, and what goes on on each. */
export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #open = new Slots<Connection>();
  readonly #of = new WeakMap<Socket, Connection>();
  readonly #perSource = new SourceCounts();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Takes a connection in until it closes, or gives the error it is turned away with. */
  admit(socket: Socket): AppError | undefined {
    const { maxConnections, maxConnectionsPerAddress } = this.#limits;
    const source = sourceOf(socket.remoteAddress ?? "");
    if (this.#open.size >= maxConnections) return tooMany("", "max_connections");
    if (this.#perSource.of(source) >= maxConnectionsPerAddress) {
      return tooMany(" from your address", "max_connections_per_address");
    }
    const connection: Connection = { socket, reply: undefined, givenUp: false };
    this.#perSource.add(source);
    this.#of.set(socket, connection);
    const slot = this.#open.add(connection);
    socket.once("close", () => {
      this.#open.remove(slot);
      this.#of.delete(socket);
      this.#perSource.remove(source);
    });
    return undefined;
  }

  /** Remembers the reply to a request that has come in. `false`: the connection was given up, and this is no request. */
  began(socket: Socket, reply: ServerResponse): boolean {
    const connection = this.#of.get(socket);
    if (connection === undefined || connection.givenUp) return false;
    connection.reply = reply;
    return true;
  }

  /** Takes no more requests from a connection: where the latest one ends is in doubt. */
  giveUp(socket: Socket): void {
    const connection = this.#of.get(socket);
    if (connection !== undefined) connection.givenUp = true;
  }

  /** The reply to the latest request of a connection, finished or not; `undefined` before the first. */
  replyOn(socket: Socket): ServerResponse | undefined {
    return this.#of.get(socket)?.reply;
  }

  /** Resolves once the replies that are under way now are over, whatever came of them. */
  async repliesOver(): Promise<void> {
    const underWay = this.#all().flatMap(({ reply }) => (reply === undefined || reply.closed ? [] : [reply]));
    await Promise.all(underWay.map((reply) => new Promise((done) => void reply.once("close", done))));
  }

  /** Resolves once every connection that is open now has closed. */
  async allClosed(): Promise<void> {
    await Promise.all(this.#all().map(({ socket }) => new Promise((done) => void socket.once("close", done))));
  }

  #all(): Connection[] {
    return this.#open.some(this.#open.size);
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
