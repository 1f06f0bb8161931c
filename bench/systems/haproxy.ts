import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram, freePort, start, untilReady, versionOf } from "../processes.ts";
import { requireProvider, type System } from "./system.ts";

const program = findProgram("haproxy");

/** A second plain reverse proxy in C, built for nothing else. */
export const haproxy: System = {
  name: "haproxy",
  features: "plain reverse proxy, one thread; no authentication, no record of anything",
  absence: async () => (program === undefined ? "haproxy is missing: apt-get install -y haproxy" : undefined),
  version: async () => versionOf(program ?? "haproxy", ["-v"]),
  async start(place) {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const file = join(place.directory, "haproxy.cfg");
    writeFileSync(file, configuration(port, requireProvider(place).origin, place.concurrency));
    const startedAt = performance.now();
    const running = start({ program: program ?? "haproxy", args: ["-db", "-f", file], underTest: true });
    const readyMs = await untilReady(running, origin, startedAt);
    return { process: { running, readyMs }, access: () => ({ origin, headers: {} }) };
  },
};

function configuration(port: number, upstream: string, concurrency: number): string {
  return `
global
  nbthread 1
  maxconn ${1_000 + concurrency}
defaults
  mode http
  timeout connect 10s
  timeout client 10m
  timeout server 10m
  option http-no-delay
listen proxy
  bind 127.0.0.1:${port} backlog 4096
  maxconn ${1_000 + concurrency}
  http-reuse always
  server provider ${new URL(upstream).host}
`;
}
