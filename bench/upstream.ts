import { fileURLToPath } from "node:url";
import { freePort, makeDirectory, start, untilReady, type Running } from "./processes.ts";
import { nginxProgram, startNginx } from "./systems/nginx.ts";
import type { Scenario } from "./scenarios.ts";

/** The provider that the systems call. */
export interface Upstream {
  readonly origin: string;
  readonly kind: "nginx" | "node";
  readonly running: Running;
}

/** nginx answers several times faster than any system under test; streams, and machines without it, get a Node server. */
export async function startUpstream(scenario: Scenario): Promise<Upstream> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const startedAt = performance.now();
  const program = scenario.reply.events === 0 ? nginxProgram : undefined;
  const running = program === undefined ? startMock(scenario, port) : startReplying(program, port, scenario);
  await untilReady(running, origin, startedAt);
  return { origin, kind: program === undefined ? "node" : "nginx", running };
}

function startMock(scenario: Scenario, port: number): Running {
  const mock = fileURLToPath(new URL("./mock.ts", import.meta.url));
  return start({ program: process.execPath, args: [mock, scenario.id, String(port)] });
}

/** A reply is fixed text, given at once. */
function startReplying(program: string, port: number, { request, reply }: Scenario): Running {
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
