import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, freePort, start, untilReady, type Running } from "../processes.ts";
import type { System } from "./system.ts";

export const nginxProgram = findProgram("nginx");

interface NginxParts {
  readonly program: string;
  readonly directory: string;
  /** Upstreams and servers. */
  readonly http: string;
  readonly underTest?: boolean;
}

/** One worker that logs nothing, never closes a connection that is in use, and keeps bodies in memory. */
export function startNginx({ program, directory, http, underTest = false }: NginxParts): Running {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const file = join(directory, "nginx.conf");
  writeFileSync(
    file,
    `${process.getuid?.() === 0 ? "user root;" : ""}
    daemon off;
    worker_processes 1;
    pid ${directory}/nginx.pid;
    error_log stderr warn;
    events { worker_connections 4096; }
    http {
      ${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join("\n")}
      access_log off;
      keepalive_requests 1000000000;
      client_max_body_size 0;
      client_body_buffer_size 4m;
      ${http}
    }`,
  );
  return start({ program, args: ["-e", "stderr", "-p", directory, "-c", file], underTest });
}

/** The reference: a reverse proxy in C that knows nothing of what it carries. */
export const nginx: System = {
  name: "nginx",
  features: "plain reverse proxy, one worker, `proxy_buffering off`; no authentication, no record of anything",
  missing: nginxProgram === undefined ? "nginx is missing: apt-get install -y nginx-light" : undefined,
  async start({ directory, upstream }) {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const startedAt = performance.now();
    const running = startNginx({
      program: nginxProgram ?? "nginx",
      directory,
      underTest: true,
      http: `
        upstream provider { server ${new URL(upstream).host}; keepalive 256; keepalive_requests 1000000000; }
        server {
          listen 127.0.0.1:${port};
          location / {
            proxy_pass http://provider;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
          }
        }`,
    });
    const readyMs = await untilReady(running, origin, startedAt);
    return { origin, process: { running, readyMs }, configure: async () => ({}), verify: async () => {} };
  },
};
