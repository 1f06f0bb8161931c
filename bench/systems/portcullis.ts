import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { startPostgres } from "../../packages/server/test/support/postgres.ts";
import { model } from "../bodies.ts";
import { bytesOf } from "../installed.ts";
import { freePort, run, start, untilReady } from "../processes.ts";
import { packPortcullis } from "./portcullis-package.ts";
import {
  providerKey,
  type Place,
  type ProviderPlace,
  type Records,
  type StartedSystem,
  type System,
} from "./system.ts";

const adminToken = randomBytes(32).toString("base64url");

/** How a portcullis differs from the one a user gets. */
export interface Variant {
  readonly name: string;
  readonly features: string;
  /** Settings as environment variables. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  readonly postgres?: boolean;
  /** Besides the ones that are used. */
  readonly moreKeys?: number;
  readonly moreProviders?: number;
  readonly moreCredentials?: number;
}

/** The whole product as it is shipped, set up the way an administrator would: over its admin API. */
export const portcullis = portcullisAs({
  name: "portcullis",
  features: "caller authenticated, provider key from the vault, model rewritten, usage priced, journalled and stored",
});

export function portcullisAs(variant: Variant): System {
  return {
    name: variant.name,
    features: variant.features,
    absence: async () => undefined,
    version: async () => {
      const { program } = await packPortcullis();
      const version = await run({ program: process.execPath, args: [program, "--version"] });
      return `${version.trim()}, Node ${process.version}`;
    },
    start: (place) => startPortcullis(variant, place),
    installedBytes: async () => bytesOf((await packPortcullis()).directory),
  };
}

async function startPortcullis(variant: Variant, place: Place): Promise<StartedSystem> {
  const { directory, concurrency, providers } = place;
  const { program } = await packPortcullis();
  let key = "";
  const database = variant.postgres === true ? await startPostgres() : undefined;
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const flags = ["--home", join(directory, "home"), "--port", String(port), "--log-level", "warn"];
  const startedAt = performance.now();
  const running = start({
    program: process.execPath,
    args: [program, "serve", ...flags, ...(variant.flags ?? [])],
    directory,
    environment: {
      PATH: process.env["PATH"],
      HOME: directory,
      PORTCULLIS_ADMIN_TOKEN: adminToken,
      ...(concurrency > 4_096 ? { PORTCULLIS_UPSTREAM_MAX_CONNECTIONS: String(concurrency) } : {}),
      ...(database === undefined ? {} : { PORTCULLIS_STORAGE_URL: database.url }),
      ...variant.settings,
    },
    underTest: true,
  });
  const readyMs = await untilReady(running, `${origin}/readyz`, startedAt);
  const call = adminCaller(origin);
  return {
    process: { running, readyMs },
    configure: async () => {
      key = await configure(call, providers, variant);
    },
    access: () => ({ origin, headers: { authorization: `Bearer ${key}` } }),
    records: () => recordsOf(call),
    ...(database === undefined ? {} : { release: () => database.stop() }),
  };
}

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

/** Returns a caller's key. */
async function configure(call: AdminCall, providers: readonly ProviderPlace[], variant: Variant): Promise<string> {
  const { moreKeys = 0, moreProviders = 0, moreCredentials = 0 } = variant;
  for (const provider of providers) await addProvider(call, provider);
  const first = providers[0];
  for (let index = 1; index <= moreProviders && first !== undefined; index += 1) {
    await addProvider(call, { ...first, name: `more-${index}` });
  }
  for (let index = 1; index <= moreCredentials; index += 1) {
    await call("POST", "/credentials", { provider: first?.name, value: `${providerKey}-${index}` });
  }
  for (let index = 1; index <= moreKeys; index += 1) await call("POST", "/keys", { description: `more ${index}` });
  const issued = (await call("POST", "/keys", { description: "bench" })) as { readonly key: string };
  return issued.key;
}

async function addProvider(call: AdminCall, { name, origin, dialect }: ProviderPlace): Promise<void> {
  await call("POST", "/providers", { name, base_url: origin, dialect, allow_private: true });
  const price = { input: 3_000_000, output: 15_000_000, cache_read: 300_000 };
  await call("POST", `/providers/${name}/models`, { name: model, price_micros_per_mtok: price });
  await call("POST", "/credentials", { provider: name, value: providerKey });
}

async function recordsOf(call: AdminCall): Promise<Records> {
  const { data } = (await call("GET", "/usage?by=provider")) as {
    readonly data: readonly { readonly requests: number; readonly errors: number; readonly cost_usd: number }[];
  };
  return {
    all: data.reduce((sum, { requests }) => sum + requests, 0),
    failed: data.reduce((sum, { errors }) => sum + errors, 0),
    costUsd: data.reduce((sum, row) => sum + row.cost_usd, 0),
  };
}
