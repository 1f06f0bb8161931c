import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { model } from "../bodies.ts";
import { bytesOf } from "../installed.ts";
import { findProgram, freePort, run, start, untilReady } from "../processes.ts";
import { providerKey, type ProviderPlace, type System } from "./system.ts";

const source = "github.com/maximhq/bifrost/transports/bifrost-http@latest";
const directory = join(tmpdir(), "portcullis-bench-peers", "bifrost");

/** Bifrost's HTTP gateway, where it is installed or Go can fetch it. */
export const bifrost: System = {
  name: "bifrost",
  features: "request and reply re-encoded; no caller authenticated, neither configuration nor log stored",
  async absence(mayInstall) {
    if (program() !== undefined) return undefined;
    const go = findProgram("go", ["/usr/local/go/bin"]);
    if (go === undefined) return `bifrost needs Go: https://go.dev/dl, then go install ${source}`;
    if (!mayInstall) return `bifrost is not installed: go install ${source}`;
    try {
      mkdirSync(directory, { recursive: true });
      await run({ program: go, args: ["install", source], environment: { ...process.env, GOBIN: directory } });
      return undefined;
    } catch (error) {
      return `bifrost could not be installed: ${String(error).replaceAll(/\s+/g, " ")}`;
    }
  },
  version: async () => "as installed",
  async start(place) {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    writeFileSync(join(place.directory, "config.json"), JSON.stringify(configuration(place.providers)));
    const startedAt = performance.now();
    const running = start({
      program: program() ?? "bifrost-http",
      args: ["-app-dir", place.directory, "-host", "127.0.0.1", "-port", String(port), "-log-level", "error"],
      directory: place.directory,
      environment: { PATH: process.env["PATH"], HOME: place.directory },
      underTest: true,
    });
    const readyMs = await untilReady(running, `${origin}/health`, startedAt, 30_000);
    return {
      process: { running, readyMs },
      access: ({ dialect, path }) => ({
        origin,
        path: dialect === "anthropic-messages" ? `/anthropic${path}` : path,
        headers: {},
      }),
    };
  },
  installedBytes: async () => bytesOf(program() ?? directory),
};

function program(): string | undefined {
  return findProgram("bifrost-http", [directory]);
}

/** Providers of its own kind, each with the address and the dialect of ours. */
function configuration(providers: readonly ProviderPlace[]): unknown {
  const entries = providers.map(({ name, origin, dialect }) => [
    name,
    {
      keys: [{ name: "bench", value: providerKey, models: [model], weight: 1 }],
      network_config: { base_url: origin },
      custom_provider_config: { base_provider_type: dialect === "openai-chat" ? "openai" : "anthropic" },
    },
  ]);
  return {
    client: { enable_logging: false, drop_excess_requests: false },
    providers: Object.fromEntries(entries),
    config_store: { enabled: false },
    logs_store: { enabled: false },
  };
}
