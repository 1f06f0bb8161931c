import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, freePort, start, untilReady, versionOf, type Running } from "../processes.ts";
import { requireProvider, type System } from "./system.ts";

export const nginxProgram = findProgram("nginx");

interface NginxParts {
  readonly program: string;
  readonly directory: string;
  /** Upstreams and servers. */
  readonly http: string;
  /** To clients and to the provider. */
  readonly connections?: number;
  readonly underTest?: boolean;
}

/** One worker that logs nothing, never closes a connection that is in use, and keeps bodies in memory. */
export function startNginx({ program, directory, http, connections = 0, underTest = false }: NginxParts): Running {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const file = join(directory, "nginx.conf");
  writeFileSync(
    file,
    `${process.getuid?.() === 0 ? "user root;" : ""}
    daemon off;
    worker_processes 1;
    pid ${directory}/nginx.pid;
    error_log stderr warn;
    events { worker_connections ${4_096 + connections}; }
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
  absence: async () => (nginxProgram === undefined ? "nginx is missing: apt-get install -y nginx-light" : undefined),
  version: async () => versionOf(nginxProgram ?? "nginx", ["-v"]),
  async start(place) {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const startedAt = performance.now();
    const running = startNginx({
      program: nginxProgram ?? "nginx",
      directory: place.directory,
      connections: 2 * place.concurrency,
      underTest: true,
      http: proxyServer(port, requireProvider(place).origin),
    });
    const readyMs = await untilReady(running, origin, startedAt);
    return { process: { running, readyMs }, access: () => ({ origin, headers: {} }) };
  },
};

function proxyServer(port: number, upstream: string): string {
  return `
    upstream provider { server ${new URL(upstream).host}; keepalive 256; keepalive_requests 1000000000; }
    server {
      listen 127.0.0.1:${port} backlog=4096;
      location / {
        proxy_pass http://provider;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_buffering off;
      }
    }`;
}
