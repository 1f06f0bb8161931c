import { fileURLToPath } from "node:url";
import { exchangeOf, type Exchange, type ExchangeSpec } from "../exchanges.ts";
import { freePort, makeDirectory, start, untilReady, type Running } from "../processes.ts";
import { nginxProgram, startNginx } from "../systems/nginx.ts";
import type { UpstreamCounts } from "./server.ts";

/** The provider that the systems call. */
export interface Upstream {
  readonly origin: string;
  readonly kind: "nginx" | "node";
  readonly running: Running;
}

/**
 * nginx answers several times faster than any system under test; streams, providers that are not well or that have to
 * count, and machines without nginx get a server on Node.
 */
export async function startUpstream(
  spec: ExchangeSpec,
  options: { readonly counts?: boolean } = {},
): Promise<Upstream> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const startedAt = performance.now();
  const exchange = exchangeOf(spec);
  const { isStream, status, delayMs } = exchange.reply;
  const needsNode = isStream || status !== 200 || delayMs > 0 || options.counts === true;
  const program = needsNode ? undefined : nginxProgram;
  const running = program === undefined ? startServer(spec, port) : startReplying(program, port, exchange);
  await untilReady(running, origin, startedAt);
  return { origin, kind: program === undefined ? "node" : "nginx", running };
}

/** What a provider on Node has counted so far. */
export async function countsOf(upstream: Upstream): Promise<UpstreamCounts> {
  const response = await fetch(upstream.origin);
  return (await response.json()) as UpstreamCounts;
}

function startServer(spec: ExchangeSpec, port: number): Running {
  const server = fileURLToPath(new URL("./server.ts", import.meta.url));
  return start({ program: process.execPath, args: [server, JSON.stringify(spec), String(port)] });
}

/** A reply is fixed text, given at once. */
function startReplying(program: string, port: number, { request, reply }: Exchange): Running {
  const directory = makeDirectory();
  const address = `127.0.0.1:${port}`;
  const fixed = `default_type ${reply.contentType}; return 200 '${reply.chunks.join("")}';`;
  const arrivesWithHead = request.length < 4_096;
  const http = arrivesWithHead
    ? `server { listen ${address}; location / { ${fixed} } }`
    : readingServers(address, `unix:${directory}/inner.sock`, fixed);
  return startNginx({ program, directory, http });
}

/**
 * `return` answers before it has read a long body, which no provider does and which costs the caller its connection.
 * So a second, inner server gives the reply: nginx reads the whole body before it passes a request on, and then passes
 * on only its head.
 */
function readingServers(address: string, inner: string, fixed: string): string {
  return `
    upstream inner { server ${inner}; keepalive 64; keepalive_requests 1000000000; }
    server { listen ${inner}; location / { ${fixed} } }
    server {
      listen ${address};
      location / {
        proxy_pass http://inner;
        proxy_http_version 1.1;
        proxy_method GET;
        proxy_pass_request_headers off;
        proxy_pass_request_body off;
        proxy_set_header Connection "";
        proxy_set_header Content-Length "";
      }
    }`;
}
