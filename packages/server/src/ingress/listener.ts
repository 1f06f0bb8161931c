import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { AppError } from "../kernel/errors.ts";
import { checkHead, type HeadRules } from "./head.ts";
import { answerUnreadable } from "./unreadable.ts";

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly rules: HeadRules;
  readonly headTimeoutMs: number;
  /** Within this time a body must have arrived; whoever reads it says so, this is the net below. */
  readonly bodyTimeoutMs: number;
  readonly keepAliveMs: number;
  /** How long requests under way may go on after `close`. */
  readonly drainMs: number;
}

/** A part of the product that answers requests: takes one and returns `true`, or leaves it and returns `false`. */
export type Plane = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;

/** Answers a request that no plane took, or that was refused before any plane saw it. */
export type Refuse = (request: IncomingMessage, response: ServerResponse, path: string, error: AppError) => void;

export interface Listener {
  /** `http://127.0.0.1:8484`, with the port that was really taken. */
  readonly url: string;
  readonly port: number;
  /** Stops taking connections, lets requests under way finish within `drainMs`, then cuts what is left. */
  close(): Promise<void>;
}

/** Opens a port whose requests pass the head check and then go to the first plane that takes them. Throws `port_in_use`. */
export async function openListener(
  options: ListenerOptions,
  planes: readonly Plane[],
  refuse: Refuse,
): Promise<Listener> {
  let draining = false;
  const server = createServer(
    {
      headersTimeout: options.headTimeoutMs,
      requestTimeout: options.headTimeoutMs + 2 * options.bodyTimeoutMs,
      keepAliveTimeout: options.keepAliveMs,
      maxHeaderSize: 64 * 1024,
      requireHostHeader: true,
      noDelay: true,
    },
    (request, response) => {
      const target = request.url ?? "";
      const question = target.indexOf("?");
      const path = question === -1 ? target : target.slice(0, question);
      const problem = checkHead(request, options.rules);
      if (problem !== undefined) {
        if (problem.closes) response.setHeader("connection", "close");
        return refuse(request, response, path, problem.error);
      }
      if (draining) {
        response.setHeader("connection", "close");
        return refuse(request, response, path, new AppError("draining"));
      }
      for (const plane of planes) if (plane(request, response, path)) return;
      refuse(request, response, path, new AppError("route_not_found", { method: request.method ?? "", path }));
    },
  );
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("clientError", answerUnreadable);
  const port = await bind(server, options.host, options.port);
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}`,
    port,
    close() {
      draining = true;
      return shutDown(server, sockets, options.drainMs);
    },
  };
}

function bind(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "EADDRINUSE" ? new AppError("port_in_use", { port, host }, { cause: error }) : error);
    });
    server.listen({ host, port, backlog: 1024 }, () => resolve((server.address() as AddressInfo).port));
  });
}

/**
 * A server counts as closed when its connections are given up, which is before they say so themselves. What waits for their
 * `close`, such as the exchanges that are to be settled, still needs what is closed after this.
 */
async function shutDown(server: Server, sockets: ReadonlySet<Socket>, drainMs: number): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), drainMs);
  const closed = new Promise((resolve) => void server.close(resolve));
  server.closeIdleConnections();
  await closed;
  clearTimeout(cut);
  await Promise.all([...sockets].map((socket) => new Promise((resolve) => void socket.once("close", resolve))));
}
