import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from "node:net";
import { after } from "node:test";
import type { AppError } from "../kernel/errors.ts";
import type { ReplyHeaders } from "./http1/index.ts";
import { createConnector, type Connector, type ConnectorOptions } from "./connector.ts";
import type { UpstreamCall, UpstreamRequest } from "./connector.ts";

const open: { close(): unknown }[] = [];
after(() => Promise.all(open.map((thing) => thing.close())));

export function testConnector(changes: Partial<ConnectorOptions> = {}): Connector {
  const connector = createConnector({
    connectTimeoutMs: 2_000,
    firstByteTimeoutMs: 5_000,
    idleTimeoutMs: 5_000,
    maxConnections: 8,
    queueTimeoutMs: 5_000,
    ...changes,
  });
  open.unshift(connector);
  return connector;
}

/** Listens on a free port of loopback until the end of the tests; resolves to the port. */
export async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  open.push({
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

type Listener = (...exchange: Parameters<RequestListener>) => void | Promise<void>;

export function httpUpstream(listener: Listener): Promise<number> {
  return listen(createHttpServer({ keepAliveTimeout: 5_000 }, (...exchange) => void listener(...exchange)));
}

/** A provider that speaks bytes: `speak` is called with each connection. */
export function rawUpstream(speak: (socket: Socket) => void): Promise<number> {
  return listen(createTcpServer({ noDelay: true }, speak));
}

export interface Outcome {
  /** `end`, or the code of the failure. */
  readonly how: string;
  readonly error: AppError | undefined;
  readonly status: number;
  readonly headers: ReplyHeaders;
  readonly body: Buffer;
}

export interface Sent {
  readonly call: UpstreamCall;
  readonly over: Promise<Outcome>;
}

/** Sends one request to a port of loopback and gathers what becomes of it. */
export function sendTo(connector: Connector, port: number, changes: Partial<UpstreamRequest> = {}): Sent {
  const over = Promise.withResolvers<Outcome>();
  const chunks: Buffer[] = [];
  let status = 0;
  let headers: ReplyHeaders = {};
  const finish = (how: string, error?: AppError): void =>
    over.resolve({ how, error, status, headers, body: Buffer.concat(chunks) });
  const request: UpstreamRequest = {
    provider: "test",
    origin: `http://127.0.0.1:${port}`,
    path: "/",
    method: "POST",
    headers: [],
    body: Buffer.from("{}"),
    allowPrivate: true,
    ...changes,
  };
  const call = connector.send(request, {
    onHead(answered, given) {
      status = answered;
      headers = given;
    },
    onData: (chunk) => void chunks.push(chunk),
    onEnd: () => finish("end"),
    onFailure: (error) => finish(error.code, error),
  });
  return { call, over: over.promise };
}
