/** A connection to write bytes to as no client would. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { readReplies, type RawReplies } from "./raw-reply.ts";

export interface RawConnection {
  readonly socket: Socket;
  /** What has come so far. */
  replies(): RawReplies;
  /** Whether the other side has ended it. */
  readonly ended: boolean;
  /** Resolves with what has come once `holds` is true of it, or the other side has ended the connection, or time is up. */
  until(holds: (replies: RawReplies) => boolean, withinMs?: number): Promise<RawReplies>;
}

interface RawOptions {
  /** Where it is to come from. */
  readonly localAddress?: string;
  /** Which of the requests on it is a HEAD, if one is: 0 for the first. */
  readonly headAt?: number;
}

/** Resolves once the connection stands. */
export async function rawConnection(port: number, options: RawOptions = {}): Promise<RawConnection> {
  const { localAddress, headAt } = options;
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, ...(localAddress && { localAddress }) });
  const chunks: Buffer[] = [];
  let ended = false;
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("end", () => (ended = true));
  socket.on("close", () => (ended = true));
  await once(socket, "connect");
  socket.on("error", () => undefined); // told by `close`
  const replies = (): RawReplies => readReplies(Buffer.concat(chunks), ended, headAt);
  return {
    socket,
    replies,
    get ended() {
      return ended;
    },
    until(holds, withinMs = 2_000) {
      return new Promise((resolve) => {
        const look = (): void => {
          const now = replies();
          if (ended || holds(now)) done();
        };
        const done = (): void => {
          clearTimeout(limit);
          for (const event of ["data", "end", "close"]) socket.off(event, look);
          resolve(replies());
        };
        const limit = setTimeout(done, withinMs);
        for (const event of ["data", "end", "close"]) socket.on(event, look);
        look();
      });
    },
  };
}
