import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { model, provider } from "../bodies.ts";
import { freePort, start, untilReady } from "../processes.ts";
import type { Scenario } from "../scenarios.ts";
import type { System } from "./system.ts";

const program = fileURLToPath(new URL("../../packages/server/bin/portcullis.js", import.meta.url));

const adminToken = randomBytes(32).toString("base64url");

/** The whole product as it is shipped, set up the way an administrator would: over its admin API. */
export const portcullis: System = {
  name: "portcullis",
  features: "caller authenticated, provider key from the vault, model rewritten, usage priced, journalled and stored",
  missing: undefined,
  async start({ directory, upstream }) {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const home = join(directory, "home");
    const startedAt = performance.now();
    const running = start({
      program: process.execPath,
      args: [program, "serve", "--home", home, "--port", String(port), "--log-level", "warn"],
      directory,
      environment: { PATH: process.env["PATH"], HOME: directory, PORTCULLIS_ADMIN_TOKEN: adminToken },
      underTest: true,
    });
    const readyMs = await untilReady(running, `${origin}/readyz`, startedAt);
    const call = adminCaller(origin);
    return {
      origin,
      process: { running, readyMs },
      configure: (scenario) => configure(call, scenario, upstream),
      verify: (exchanges) => verify(call, exchanges),
    };
  },
};

type AdminCall = (method: string, path: string, body?: unknown) => Promise<unknown>;

function adminCaller(origin: string): AdminCall {
  return async (method, path, body) => {
    const response = await fetch(`${origin}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
    return JSON.parse(text);
  };
}

async function configure(call: AdminCall, { dialect }: Scenario, upstream: string): Promise<{ authorization: string }> {
  await call("POST", "/providers", { name: provider, base_url: upstream, dialect, allow_private: true });
  const price = { input: 3_000_000, output: 15_000_000, cache_read: 300_000 };
  await call("POST", `/providers/${provider}/models`, { name: model, price_micros_per_mtok: price });
  await call("POST", "/credentials", { provider, value: "sk-bench-0123456789abcdef" });
  const issued = (await call("POST", "/keys", { description: "bench" })) as { readonly key: string };
  return { authorization: `Bearer ${issued.key}` };
}

/** Every exchange must have become a priced row. There may be more: the load stops in the middle of its last ones. */
async function verify(call: AdminCall, exchanges: number): Promise<void> {
  const { data } = (await call("GET", "/usage?by=model")) as {
    readonly data: readonly { readonly model: string; readonly requests: number; readonly cost_usd: number }[];
  };
  const row = data.find((candidate) => candidate.model === model);
  if (row === undefined || row.requests < exchanges || row.cost_usd <= 0) {
    throw new Error(`of ${exchanges} exchanges, portcullis recorded ${JSON.stringify(row ?? "none")}`);
  }
}
