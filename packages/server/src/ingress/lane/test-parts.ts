/** A gate with lanes for a test, and what is said on a connection to it. */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { rawConnection, type RawConnection } from "../../../test/support/raw-connection.ts";
import type { RawReply } from "../../../test/support/raw-reply.ts";
import { AppError } from "../../kernel/errors.ts";
import { readBody } from "../body.ts";
import type { Listener, ListenerOptions, Plane } from "../listener.ts";
import { open } from "../test-parts.ts";
import type { PlainPlane } from "./lane.ts";
import type { PlainReply } from "./reply.ts";
import type { PlainRequest } from "./request.ts";

interface Waiting {
  readonly request: PlainRequest;
  readonly reply: PlainReply;
  /** Resolves when the reply is told that its caller has left. */
  readonly left: Promise<void>;
  end(): void;
}

export interface Gate {
  readonly listener: Listener;
  readonly port: number;
  /** What was answered, by whom. */
  readonly answered: string[];
  /** Why plain requests were refused. */
  readonly refused: string[];
  /** The plain request that came to a path of that beginning; waits for it. */
  waiting(path: string): Promise<Waiting>;
  readonly rules: { hosts: ReadonlySet<string>; origins: ReadonlySet<string> };
}

/**
 * Both planes answer with who they are, the target, and the body; those whose path begins with `/later` when the test says so,
 * and those with `/large` with more than the system takes at once. Behind `/last` the connection is closed. The body of
 * `/refused` is not read; that of `/unread` neither until the test says so; for that of `/soon` there is a tenth of a second.
 */
export async function openGate(options: Partial<ListenerOptions> = {}): Promise<Gate> {
  const answered: string[] = [];
  const refused: string[] = [];
  const waits = new Map<string, PromiseWithResolvers<Waiting>>();
  const wait = (path: string): PromiseWithResolvers<Waiting> => {
    const known = waits.get(path) ?? Promise.withResolvers<Waiting>();
    waits.set(path, known);
    return known;
  };
  const answer = (request: PlainRequest, reply: PlainReply, path: string, body: Buffer): void => {
    const left = new Promise<void>((resolve) => reply.on("close", resolve));
    const end = (): void => {
      if (path.startsWith("/last")) reply.shouldKeepAlive = false;
      reply.writeHead(200, ["x-by", "lane"]);
      if (path.startsWith("/large")) return reply.end(Buffer.alloc(50_000_000));
      reply.end(`lane ${request.url} ${body.toString("latin1")}`);
    };
    if (!path.startsWith("/later")) return end();
    wait(path).resolve({ request, reply, left, end });
  };
  const plain: PlainPlane = {
    takes: (path) => !path.startsWith("/node"),
    answer(request, reply, path) {
      answered.push(`lane ${path}`);
      if (path.startsWith("/refused")) return refuse(reply, "unread");
      if (path.startsWith("/unread"))
        return wait(path).resolve({ request, reply, left: Promise.resolve(), end: () => refuse(reply, "unread") });
      const body = Promise.try(readBody, request, path.startsWith("/soon") ? { ...limits, timeoutMs: 100 } : limits);
      body.then(
        (bytes) => answer(request, reply, path, bytes),
        (error: unknown) => {
          refused.push(error instanceof AppError ? error.code : String(error));
          refuse(reply, refused.at(-1) ?? "");
        },
      );
    },
  };
  const plane: Plane = (request, response, path) => {
    answered.push(`node ${path}`);
    let body = "";
    request.setEncoding("latin1").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => response.writeHead(200, { "x-by": "node" }).end(`node ${request.url} ${body}`));
    return true;
  };
  const rules = { hosts: new Set<string>(), origins: new Set<string>() };
  const listener = await open({ rules, ...options }, plane, plain);
  return { listener, port: listener.port, answered, refused, waiting: (path) => wait(path).promise, rules };
}

const limits = { limitBytes: 20_000_000, timeoutMs: 10_000, minRate: 0 };

function refuse(reply: PlainReply, why: string): void {
  reply.writeHead(400, ["x-by", "lane"]);
  reply.end(why);
}

export const post = (path: string, body = "", ...fields: readonly string[]): string =>
  [`POST ${path} HTTP/1.1`, "Host: localhost", ...fields, `Content-Length: ${body.length}`, "", body].join("\r\n");

export const said = ({ status, body }: RawReply): string => `${status} ${body.toString()}`;

export async function replies(connection: RawConnection, count: number, withinMs = 20_000): Promise<readonly string[]> {
  const { replies, rest } = await connection.until(({ replies }) => replies.length >= count, withinMs);
  assert.equal(rest.length, 0, rest.toString());
  return replies.map(said);
}

export async function connected(port: number, act: (connection: RawConnection) => Promise<void>): Promise<void> {
  const connection = await rawConnection(port);
  connection.socket.setNoDelay(true);
  try {
    await act(connection);
  } finally {
    connection.socket.destroy();
  }
}

/** Bytes that go out as one segment each. */
export async function dripped(socket: Socket, bytes: string, size = 1): Promise<void> {
  for (let at = 0; at < bytes.length; at += size) {
    socket.write(bytes.slice(at, at + size), "latin1");
    await new Promise((resolve) => setImmediate(resolve));
  }
}
