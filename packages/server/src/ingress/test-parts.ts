/** A listener of its own for a test, and what is said on a connection to it. */
import assert from "node:assert/strict";
import { after } from "node:test";
import type { RawConnection } from "../../test/support/raw-connection.ts";
import { asAppError } from "../kernel/errors.ts";
import { readBody } from "./body.ts";
import type { PlainPlane } from "./lane/lane.ts";
import { openListener, type Listener, type ListenerOptions, type Plane } from "./listener.ts";

const opened: Listener[] = [];
after(() => Promise.all(opened.map((listener) => listener.close())));

/** A listener that is closed when the tests of the file are over. */
export async function open(
  options: Partial<ListenerOptions> = {},
  plane: Plane = answerSize(500),
  plain?: PlainPlane,
): Promise<Listener> {
  const listener = await openListener(
    {
      host: "127.0.0.1",
      port: 0,
      rules: { hosts: new Set(), origins: new Set() },
      headTimeoutMs: 1_000,
      bodyTimeoutMs: 30_000,
      writeTimeoutMs: 1_000,
      maxConnections: 50,
      maxConnectionsPerAddress: 50,
      keepAliveMs: 10_000,
      ...options,
    },
    [plane],
    (_request, response, _path, error) => void response.writeHead(error.status).end(error.code),
    plain,
  );
  opened.push(listener);
  return listener;
}

/** Answers a body with its size, errors with their code; `/refused` before the body is read. */
export function answerSize(minRate: number, timeoutMs = 20_000): Plane {
  return (request, response, path) => {
    if (path === "/refused") {
      response.writeHead(401).end("no");
      return true;
    }
    Promise.try(readBody, request, { limitBytes: 1_000_000, timeoutMs, minRate }).then(
      (body) => response.end(`${body.length} bytes`),
      (thrown: unknown) => {
        if (response.headersSent) return;
        const error = asAppError(thrown);
        response.shouldKeepAlive = false;
        response.writeHead(error.status).end(error.code);
      },
    );
    return true;
  };
}

export const get = (path = "/"): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
export const post = (path: string, ...fields: readonly string[]): string =>
  [`POST ${path} HTTP/1.1`, "Host: localhost", ...fields, "\r\n"].join("\r\n");

/** The replies, as `status body`. */
export async function told(connection: RawConnection, count: number, withinMs?: number): Promise<readonly string[]> {
  const { replies, rest } = await connection.until(({ replies }) => replies.length >= count, withinMs);
  assert.equal(rest.length, 0, rest.toString());
  return replies.map(({ status, body }) => `${status} ${body.toString()}`.trim());
}
