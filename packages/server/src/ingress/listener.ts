import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { AppError } from "../kernel/errors.ts";
import type { Allowed } from "./callers.ts";
import { Connections, type ConnectionLimits } from "./connections.ts";
import { holdBack } from "./expect.ts";
import { checkHead } from "./head.ts";
import type { PlainPlane } from "./lane/lane.ts";
import { Lanes } from "./lane/lanes.ts";
import { createServer } from "./node-http.ts";
import { answerOn, explain } from "./unreadable.ts";

export interface ListenerOptions extends ConnectionLimits {
  readonly host: string;
  readonly port: number;
  readonly rules: Allowed;
  readonly headTimeoutMs: number;
  /** Within this time a body must have arrived; whoever reads it says so, this is the net below. */
  readonly bodyTimeoutMs: number;
  /** How long a caller may leave what was sent to it unread. */
  readonly writeTimeoutMs: number;
  readonly keepAliveMs: number;
}

/** How a listener is closed while requests are under way. */
interface Drain {
  /** How long these may go on. */
  readonly drainMs: number;
  /** Called then: may end them in words, for which there is a second. */
  readonly beforeCut?: () => void;
}

/** A part of the product that answers requests: takes one and returns `true`, or leaves it and returns `false`. */
export type Plane = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;

/** Answers a request that no plane took, or that was refused before any plane saw it. */
export type Refuse = (request: IncomingMessage, response: ServerResponse, path: string, error: AppError) => void;

export interface Listener {
  /** `http://127.0.0.1:8484`, with the port that was really taken. */
  readonly url: string;
  readonly port: number;
  /** Puts other times in force, for connections that are open too. */
  adopt(times: ListenerTimes): void;
  /** Answers as before, and has every connection closed behind its answer. */
  leave(): void;
  /** Refuses requests (`draining`), closes when those under way are over, and cuts what is left in the end. */
  close(drain?: Drain): Promise<void>;
}

/**
 * Opens a port whose requests pass the head check and then go to the first plane that takes them. With a plane for plain
 * requests, every connection begins as a lane to it. Throws `port_in_use`.
 */
export async function openListener(
  options: ListenerOptions,
  planes: readonly Plane[],
  refuse: Refuse,
  plain?: PlainPlane,
): Promise<Listener> {
  let phase: "open" | "leaving" | "draining" = "open";
  const connections = new Connections(options);
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    if (!connections.began(request.socket, response)) return;
    if (phase !== "open") response.setHeader("connection", "close");
    const path = pathOf(request);
    const problem = checkHead(request, options.rules);
    if (problem !== undefined) {
      if (problem.closes) {
        connections.giveUp(request.socket); // the parser goes on with what it has read
        response.setHeader("connection", "close");
      }
      return refuse(request, response, path, problem.error);
    }
    if (phase === "draining") return refuse(request, response, path, new AppError("draining"));
    for (const plane of planes) if (plane(request, response, path)) return;
    refuse(request, response, path, new AppError("route_not_found", { method: request.method ?? "", path }));
  };
  const server = createServer(timing(options), answer);
  server.on("checkContinue", (request, response) => {
    holdBack(request, response);
    answer(request, response);
  });
  server.on("checkExpectation", answer); // which the head check refuses
  const lanes = plain === undefined ? undefined : new Lanes(plain, options.rules, options, takerOf(server));
  guardConnections(server, connections, refuse, lanes);
  cutUnread(server, connections, options.writeTimeoutMs);
  const port = await bind(server, options.host, options.port);
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    url: `http://${host}:${port}`,
    port,
    adopt(times) {
      Object.assign(server, serverTimes(times));
      lanes?.adopt(times);
    },
    leave() {
      phase = "leaving";
      if (lanes !== undefined) lanes.isOpen = false;
    },
    async close(drain = { drainMs: 0 }) {
      phase = "draining";
      if (lanes !== undefined) lanes.isOpen = false;
      await finishReplies(() => Promise.all([connections.repliesOver(), lanes?.repliesOver()]), drain);
      lanes?.close();
      await shutDown(server, connections);
    },
  };
}

type ListenerTimes = Pick<ListenerOptions, "headTimeoutMs" | "bodyTimeoutMs" | "keepAliveMs">;

/** What a server reads anew for each connection. */
function serverTimes({ headTimeoutMs, bodyTimeoutMs, keepAliveMs }: ListenerTimes) {
  return {
    headersTimeout: headTimeoutMs,
    requestTimeout: headTimeoutMs + 2 * bodyTimeoutMs,
    keepAliveTimeout: keepAliveMs,
  };
}

function timing(options: ListenerOptions) {
  return {
    ...serverTimes(options),
    // How late a timeout may be noticed: Node's own half a minute would let slow heads pile up.
    connectionsCheckingInterval: Math.min(1_000, options.headTimeoutMs / 2),
    maxHeaderSize: 64 * 1024,
    requireHostHeader: false, // the head check requires it, with an answer that says so
    noDelay: true,
  };
}

/** Takes from a server its own handling of new connections, and gives it back to be used for those that are to be its. */
function takerOf(server: Server): (socket: Socket) => void {
  const [serve] = server.listeners("connection");
  server.removeAllListeners("connection");
  return (socket) => {
    serve?.call(server, socket);
  };
}

function pathOf({ url = "" }: IncomingMessage): string {
  const question = url.indexOf("?");
  return question === -1 ? url : url.slice(0, question);
}

/** Turns away connections beyond the limits, and gives up those on which something comes that is no request. */
function guardConnections(server: Server, connections: Connections, refuse: Refuse, lanes: Lanes | undefined): void {
  server.on("connection", (socket) => {
    const error = connections.admit(socket);
    if (error === undefined) return lanes?.open(socket);
    answerOn(socket, error);
    socket.destroySoon(); // before anything is read from it
  });
  server.on("connect", (_request, socket: Socket) => {
    answerOn(socket, new AppError("invalid_request", { problem: "no tunnels are made here" }));
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === "ECONNRESET") return void socket.destroy();
    const reply = connections.replyOn(socket);
    if (reply === undefined || reply.writableFinished) return answerOn(socket, explain(error));
    // With a reply under way there is no place for an answer, unless the fault lies in the body of the very request that
    // is to be replied to next. Anything else written here would be taken for a part of that reply, or for the whole of it.
    if (reply.headersSent || reply.req.complete || reply.socket !== socket) return void socket.destroy();
    reply.setHeader("connection", "close");
    refuse(reply.req, reply, pathOf(reply.req), explain(error));
  });
}

/**
 * Cuts a connection whose caller leaves what it was sent unread. Node's timer of a socket starts anew with everything that
 * moves on it, parts of a large write included: when it runs out with something still to be written, the caller has taken
 * nothing for that long. The same timer ends idle connections (`keepAliveMs`); one that waits for a provider stays.
 */
function cutUnread(server: Server, connections: Connections, timeoutMs: number): void {
  server.setTimeout(timeoutMs, (socket) => {
    const reply = connections.replyOn(socket);
    if (reply === undefined) return; // the first head has a time limit of its own
    if (reply.writableFinished || socket.writableLength > 0) socket.destroy();
  });
}

function bind(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "EADDRINUSE" ? new AppError("port_in_use", { port, host }, { cause: error }) : error);
    });
    server.listen({ host, port, backlog: 4096 }, () => resolve((server.address() as AddressInfo).port));
  });
}

/** How long what `beforeCut` wrote may take to reach callers. */
const partingWordsMs = 1_000;

async function finishReplies(repliesOver: () => Promise<unknown>, { drainMs, beforeCut }: Drain): Promise<void> {
  if ((await within(repliesOver(), drainMs)) || beforeCut === undefined) return;
  beforeCut();
  await within(repliesOver(), partingWordsMs);
}

/** Whether something is over before its time is. */
async function within(over: Promise<unknown>, limitMs: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), limitMs);
  const inTime = await Promise.race([over.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}

/**
 * A server counts as closed when its connections are given up, which is before they say so themselves. What waits for their
 * `close`, such as the exchanges that are to be settled, still needs what is closed after this.
 */
async function shutDown(server: Server, connections: Connections): Promise<void> {
  const closed = new Promise((resolve) => void server.close(resolve));
  server.closeAllConnections();
  await closed;
  await connections.allClosed();
}
