/** The proxies that people put in front of a gateway, as they come with a system, in front of one for a test. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

export interface Proxy {
  readonly port: number;
  stop(): Promise<void>;
}

interface Kind {
  readonly args: (file: string) => readonly string[];
  readonly config: (port: number, to: number, directory: string) => string;
}

/** Both keep connections to the gateway and send requests of several clients on one: where smuggling would show. */
const kinds = {
  nginx: {
    args: (file) => ["-c", file, "-e", "stderr"],
    config: (port, to, directory) => `
      daemon off; master_process off; pid ${directory}/pid; error_log stderr emerg;
      events { worker_connections 4096; }
      http {
        access_log off;
        client_body_temp_path ${directory}/a; proxy_temp_path ${directory}/b; fastcgi_temp_path ${directory}/c;
        uwsgi_temp_path ${directory}/d; scgi_temp_path ${directory}/e;
        upstream gateway { server 127.0.0.1:${to}; keepalive 4; }
        server {
          listen 127.0.0.1:${port};
          location / {
            proxy_pass http://gateway; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_set_header Host $http_host; proxy_request_buffering off; proxy_buffering off; proxy_read_timeout 5s;
          }
        }
      }`,
  },
  haproxy: {
    args: (file) => ["-db", "-q", "-f", file],
    config: (port, to) => `
global
  maxconn 4000
  nbthread 1
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
  http-reuse always
frontend clients
  bind 127.0.0.1:${port}
  default_backend gateway
backend gateway
  server one 127.0.0.1:${to}
`,
  },
} as const satisfies Readonly<Record<string, Kind>>;

export type ProxyKind = keyof typeof kinds;
export const proxyKinds = Object.keys(kinds) as readonly ProxyKind[];

/** What to install where the program is missing; `undefined` where it is there. */
export function missing(kind: ProxyKind): string | undefined {
  const found = spawnSync(kind, ["-v"], { env: environment }).error === undefined;
  return found ? undefined : `${kind} is not installed: apt-get install nginx-light haproxy`;
}

const environment = { PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/usr/local/sbin` };
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a proxy in front of a port of this machine; resolves once it accepts connections. */
export async function startProxy(kind: ProxyKind, to: number): Promise<Proxy> {
  const directory = mkdtempSync(join(tmpdir(), `portcullis-${kind}-`));
  const file = join(directory, "config");
  const port = await freePort();
  writeFileSync(file, kinds[kind].config(port, to, directory));
  const child = spawn(kind, kinds[kind].args(file), { env: environment, stdio: ["ignore", "ignore", "pipe"] });
  running.add(child);
  let said = "";
  child.stderr.on("data", (chunk) => (said += String(chunk)));
  const ended = once(child, "close").then(() => void running.delete(child));
  while (!(await accepts(port))) {
    if (child.exitCode !== null) throw new Error(`${kind} did not start: ${said}`);
    await wait(10);
  }
  return {
    port,
    async stop() {
      child.kill("SIGKILL");
      await ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.on("connect", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}
