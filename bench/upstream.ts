import { fileURLToPath } from "node:url";
import { freePort, makeDirectory, start, untilReady, type Running } from "./processes.ts";
import { startNginx } from "./systems/nginx.ts";
import type { Reply, Scenario } from "./scenarios.ts";

/** The provider that the systems call. */
export interface Upstream {
  readonly origin: string;
  readonly kind: "nginx" | "node";
  readonly running: Running;
}

/** nginx answers several times faster than any system under test; streams, and machines without it, get a Node server. */
export async function startUpstream(scenario: Scenario, nginx: string | undefined): Promise<Upstream> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const startedAt = performance.now();
  const useNginx = nginx !== undefined && scenario.reply.events === 0;
  const running = useNginx ? startReplying(nginx, port, scenario.reply) : startMock(scenario, port);
  await untilReady(running, origin, startedAt);
  return { origin, kind: useNginx ? "nginx" : "node", running };
}

function startMock(scenario: Scenario, port: number): Running {
  const mock = fileURLToPath(new URL("./mock.ts", import.meta.url));
  return start({ program: process.execPath, args: [mock, scenario.id, String(port)] });
}

/**
 * `return` alone answers before it has read a long body, which no provider does and which costs the caller its
 * connection. So the request goes through a second, inner server: nginx reads the whole body before it passes on, and
 * passes on only the head.
 */
function startReplying(nginx: string, port: number, reply: Reply): Running {
  const directory = makeDirectory();
  const inner = `unix:${directory}/inner.sock`;
  return startNginx({
    program: nginx,
    directory,
    http: `
      upstream inner { server ${inner}; keepalive 64; keepalive_requests 1000000000; }
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass http://inner;
          proxy_http_version 1.1;
          proxy_pass_request_body off;
          proxy_pass_request_headers off;
          proxy_method GET;
          proxy_set_header Connection "";
          proxy_set_header Content-Length "";
        }
      }
      server {
        listen ${inner};
        default_type ${reply.contentType};
        location / { return 200 '${reply.chunks.join("")}'; }
      }`,
  });
}
