import { connect as connectTcp, isIP, type LookupFunction, type OnReadOpts, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";

/** `onread` is documented (https://nodejs.org/api/tls.html), and missing in the types. */
type TlsOptions = ConnectionOptions & { readonly onread: OnReadOpts };

export interface ConnectOptions {
  /** `https://api.example.com` */
  readonly origin: string;
  readonly timeoutMs: number;
  /** Gives the addresses that may be connected to, and no others. */
  readonly lookup: LookupFunction;
}

/** What a socket tells of its first moments; one of the last two, once. */
export interface ConnectEvents {
  /** Bytes that came, in memory that is used again as soon as this has returned. */
  onRead(bytes: Buffer, end: number): void;
  onConnected(): void;
  onFailed(error: Error): void;
}

export type Connect = (events: ConnectEvents) => Socket;

/**
 * All sockets read into the same memory: a read is dealt with before the next, and nothing of it is kept there. So a
 * connection that waits costs no buffer, and one that reads makes no garbage but what it hands on.
 */
const readMemory = Buffer.allocUnsafeSlow(64 * 1024);

/** Makes connections to an origin: TCP or TLS, to an address that the look-up allowed, within the time limit. */
export function connectTo({ origin, timeoutMs, lookup }: ConnectOptions): Connect {
  const url = new URL(origin);
  const isTls = url.protocol === "https:";
  const host = url.hostname.replaceAll(/^\[|\]$/g, "");
  const port = Number(url.port) || (isTls ? 443 : 80);
  const common = { host, port, lookup, autoSelectFamily: true, noDelay: true, keepAlive: true };
  // The last one is as good as any: with it the next connection needs no full handshake.
  let session: Buffer | undefined;

  function open(onread: OnReadOpts): Socket {
    if (!isTls) return connectTcp({ ...common, onread });
    const name = isIP(host) === 0 ? { servername: host } : {};
    const known = session === undefined ? {} : { session };
    const options = { ...common, ...name, ...known, ALPNProtocols: ["http/1.1"], onread } satisfies TlsOptions;
    return connectTls(options).on("session", (given: Buffer) => {
      session = given;
    });
  }

  return (events) => {
    const callback = (end: number): boolean => {
      events.onRead(readMemory, end);
      return true;
    };
    const socket = open({ buffer: readMemory, callback });
    const timer = setTimeout(() => socket.destroy(new Error(`no connection within ${timeoutMs} ms`)), timeoutMs);
    socket.once("close", () => clearTimeout(timer));
    socket.once("error", events.onFailed);
    socket.once(isTls ? "secureConnect" : "connect", () => {
      clearTimeout(timer);
      socket.off("error", events.onFailed);
      events.onConnected();
    });
    return socket;
  };
}
