import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { model } from "../bodies.ts";
import { bytesOf } from "../installed.ts";
import { findProgram, freePort, run, start, untilReady } from "../processes.ts";
import { providerKey, type ProviderPlace, type System } from "./system.ts";

const release = "1.106.2";
const directory = join(tmpdir(), "portcullis-bench-peers", `litellm-${release}`);
const program = join(directory, "bin", "litellm");
const masterKey = "sk-bench-master";

/** LiteLLM's proxy, from PyPI into a virtual environment in the temporary directory. */
export const litellm: System = {
  name: "litellm",
  features: "caller authenticated by the master key, model mapped, no database: nothing recorded, one worker",
  async absence(mayInstall) {
    if (existsSync(program)) return undefined;
    const python = findProgram("python3");
    if (python === undefined) return "litellm needs Python 3.9 or newer: apt-get install -y python3-venv";
    if (!mayInstall) return "litellm is not installed: run once without --quick and with --systems litellm";
    try {
      mkdirSync(directory, { recursive: true });
      await run({ program: python, args: ["-m", "venv", directory] });
      const install = ["-m", "pip", "install", "--quiet", `litellm[proxy]==${release}`];
      await run({ program: join(directory, "bin", "python"), args: install });
      return undefined;
    } catch (error) {
      return `litellm could not be installed: ${String(error)}`;
    }
  },
  version: async () => release,
  async start(place) {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const file = join(place.directory, "litellm.json"); // JSON is YAML
    writeFileSync(file, JSON.stringify(configuration(place.providers)));
    const startedAt = performance.now();
    const running = start({
      program,
      args: ["--config", file, "--host", "127.0.0.1", "--port", String(port), "--num_workers", "1"],
      directory: place.directory,
      environment: {
        PATH: process.env["PATH"],
        HOME: place.directory,
        LITELLM_LOG: "ERROR",
        LITELLM_LOCAL_MODEL_COST_MAP: "True", // or it fetches its prices from the network at every start
      },
      underTest: true,
    });
    const readyMs = await untilReady(running, `${origin}/health/readiness`, startedAt, 90_000);
    return {
      process: { running, readyMs },
      access: () => ({ origin, headers: { authorization: `Bearer ${masterKey}` } }),
    };
  },
  installedBytes: async () => bytesOf(directory),
};

function configuration(providers: readonly ProviderPlace[]): unknown {
  return {
    model_list: providers.map(({ name, origin, dialect }) => ({
      model_name: `${name}/${model}`,
      litellm_params:
        dialect === "openai-chat"
          ? { model: `openai/${model}`, api_base: `${origin}/v1`, api_key: providerKey }
          : { model: `anthropic/${model}`, api_base: origin, api_key: providerKey },
    })),
    litellm_settings: { telemetry: false },
    general_settings: { master_key: masterKey },
  };
}
