import type { IncomingMessage } from "node:http";
import type { PlainRequest } from "./lane/request.ts";

/** A request: Node's, whose body is a stream, or one off a lane, whose body has come. */
export type HttpRequest = IncomingMessage | PlainRequest;

/** What is used of a reply. Node's `ServerResponse` is one, and so is a lane's. */
export interface HttpReply {
  readonly headersSent: boolean;
  /** The caller has left; nothing that is written goes anywhere. */
  readonly destroyed: boolean;
  readonly writableNeedDrain: boolean;
  /** Whether the connection stays open behind the reply. */
  shouldKeepAlive: boolean;
  /** Names and values in turn. What makes no header throws, and nothing is sent. */
  writeHead(status: number, headers: string[]): unknown;
  flushHeaders(): void;
  /** `false`: more is to wait for `drain`. */
  write(chunk: Buffer): boolean;
  end(body?: Buffer | string): unknown;
  end(body: string, encoding: "latin1"): unknown;
  /** Cuts the connection. */
  destroy(): unknown;
  /** The connection is gone; it may be told of a reply that is over, too. */
  on(event: "close", listener: () => void): unknown;
  once(event: "drain", listener: () => void): unknown;
}
