import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bytesOf } from "../installed.ts";
import { freePort, run, start, untilReady } from "../processes.ts";
import { providerKey, requireProvider, type System } from "./system.ts";

const directory = fileURLToPath(new URL("../peers/portkey", import.meta.url));
const modules = join(directory, "node_modules");
const program = join(modules, "@portkey-ai", "gateway", "build", "start-server.js");

/**
 * The gateway of Portkey as npm has it, in an installation of its own. Its web framework is pinned to the version of its
 * own lock file: with the newest one that its package allows, every stream is answered with an error.
 */
export const portkey: System = {
  name: "portkey",
  features: "request and reply re-encoded, no caller authenticated, nothing recorded (its open-source edition)",
  async absence(mayInstall) {
    if (existsSync(program)) return undefined;
    if (!mayInstall) return "portkey is not installed: npm ci --ignore-scripts --prefix bench/peers/portkey";
    try {
      await run({ program: "npm", args: ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], directory });
      return undefined;
    } catch (error) {
      return `portkey could not be installed: ${String(error)}`;
    }
  },
  version: async () => `1.15.2, Node ${process.version}`,
  async start(place) {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const startedAt = performance.now();
    const running = start({
      program: process.execPath,
      args: [program, `--port=${port}`, "--headless"],
      directory: place.directory,
      environment: { PATH: process.env["PATH"], HOME: place.directory, NODE_ENV: "production" },
      underTest: true,
    });
    const readyMs = await untilReady(running, origin, startedAt);
    return {
      process: { running, readyMs },
      access: ({ dialect, provider }) => {
        const known = place.providers.find(({ name }) => name === provider) ?? requireProvider(place);
        return {
          origin,
          headers: {
            authorization: `Bearer ${providerKey}`,
            "x-portkey-provider": dialect === "openai-chat" ? "openai" : "anthropic",
            "x-portkey-custom-host": `${known.origin}/v1`,
          },
        };
      },
    };
  },
  installedBytes: async () => bytesOf(modules),
};
