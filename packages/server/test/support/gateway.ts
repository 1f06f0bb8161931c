/**
 * A whole gateway for a behaviour test: the product as `compose` builds it, on a temporary home and a free port, with a
 * simulated provider behind it and a key in front. Everything goes away when the test's process ends.
 *
 *     const gate = await openGate();
 *     const reply = await gate.post("/v1/messages", { model: "sim-anthropic/claude-sonnet-4-5", … });
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request, type IncomingHttpHeaders } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { createClient, type Client } from "@portcullis/client";
import { endpoints } from "@portcullis/contract";
import { startGateway, type RunningGateway } from "../../src/compose.ts";
import { loadConfig } from "../../src/config/index.ts";
import { createLog, type LogLevel } from "../../src/kernel/log.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { configNames } from "../../src/settings.ts";
import { createSimulator, type Scenario, type Simulator } from "../../src/simulator/index.ts";

export interface GateOptions {
  /** The text of portcullis.yaml. */
  readonly config?: string;
  /** `sqlite:` on the temporary home unless given. */
  readonly storageUrl?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly scenarios?: readonly Scenario[];
  readonly logLevel?: LogLevel;
  /** An existing home, for a second start. */
  readonly home?: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Throws if the body is not JSON. */
  json(): unknown;
}

export interface Gate {
  readonly url: string;
  readonly home: string;
  readonly gateway: RunningGateway;
  readonly simulator: Simulator;
  /** The key that the gateway holds for the simulated providers. */
  readonly providerKey: string;
  readonly admin: Client;
  /** A caller's key without limits. */
  readonly key: string;
  readonly keyId: string;
  readonly logLines: string[];
  /** Sends JSON with the key, unless `headers` say otherwise; a header of `null` is left out. */
  post(path: string, body: unknown, headers?: Readonly<Record<string, string | null>>): Promise<Reply>;
  get(path: string, headers?: Readonly<Record<string, string | null>>): Promise<Reply>;
  /** Another key; returns its text. */
  createKey(input?: Readonly<Record<string, unknown>>): Promise<{ readonly id: string; readonly key: string }>;
  close(): Promise<void>;
}

/** The simulated providers, by the dialect they speak. All are one simulator. */
export const simulated = {
  "anthropic-messages": "sim-anthropic",
  gemini: "sim-gemini",
  ollama: "sim-ollama",
  "openai-chat": "sim-chat",
  "openai-responses": "sim-responses",
} as const;

const opened: (() => Promise<void>)[] = [];
after(() => Promise.all(opened.map((close) => close())));

const removable: string[] = [];
process.on("exit", () => {
  for (const path of removable) rmSync(path, { recursive: true, force: true });
});

export function temporaryHome(): string {
  const path = mkdtempSync(join(tmpdir(), "portcullis-gate-"));
  removable.push(path);
  return path;
}

export async function openGate(options: GateOptions = {}): Promise<Gate> {
  const providerKey = "sk-provider-canary-0123456789abcdef";
  const simulator = createSimulator({ apiKeys: [providerKey], scenarios: options.scenarios ?? [] });
  const upstream = await simulator.listen();
  const home = options.home ?? temporaryHome();
  const logLines: string[] = [];
  const gateway = await start(home, options, logLines);
  const admin = createClient({ baseUrl: gateway.adminUrl, token: gateway.adminToken.reveal() });
  if (options.home === undefined) await addProviders(admin, upstream.url, providerKey);
  const created = await admin.call(endpoints.keys.create, { input: { description: "test" } });
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await gateway.close();
    await simulator.close();
  };
  opened.push(close);
  return {
    url: gateway.url,
    home,
    gateway,
    simulator,
    providerKey,
    admin,
    logLines,
    close,
    key: created.key,
    keyId: created.id,
    post: (path, body, headers = {}) => send(gateway.url + path, "POST", created.key, headers, JSON.stringify(body)),
    get: (path, headers = {}) => send(gateway.url + path, "GET", created.key, headers),
    createKey: (input = {}) => admin.call(endpoints.keys.create, { input }),
  };
}

async function start(home: string, options: GateOptions, logLines: string[]): Promise<RunningGateway> {
  const loaded = loadConfig({
    names: configNames,
    home,
    directory: home,
    environment: {
      PORTCULLIS_SERVER_PORT: "0",
      PORTCULLIS_SERVER_DRAIN: "200ms",
      ...(options.storageUrl === undefined ? {} : { PORTCULLIS_STORAGE_URL: options.storageUrl }),
      ...options.environment,
    },
    ...(options.config === undefined ? {} : { file: writeConfig(home, options.config) }),
  });
  const write = (line: string): void => void logLines.push(line);
  const log = createLog({ level: options.logLevel ?? "debug", format: "json", clock: systemClock, write });
  return startGateway(loaded, log);
}

function writeConfig(home: string, text: string): string {
  const file = join(home, "portcullis.yaml");
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

async function addProviders(admin: Client, baseUrl: string, value: string): Promise<void> {
  for (const [dialect, id] of Object.entries(simulated) as [keyof typeof simulated, string][]) {
    await admin.call(endpoints.providers.create, { input: { id, dialect, base_url: baseUrl, allow_private: true } });
    await admin.call(endpoints.credentials.create, { input: { provider: id, value } });
  }
}

/** One HTTP request, whole. Rejects if the connection breaks before the reply's end. */
export function send(
  url: string,
  method: string,
  key: string,
  given: Readonly<Record<string, string | null>> = {},
  body?: string | Buffer,
): Promise<Reply> {
  const defaults = {
    authorization: `Bearer ${key}`,
    ...(body === undefined ? {} : { "content-type": "application/json" }),
  };
  const headers = Object.fromEntries(
    Object.entries({ ...defaults, ...given }).filter((entry): entry is [string, string] => entry[1] !== null),
  );
  return new Promise((resolve, reject) => {
    const call = request(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const whole = Buffer.concat(chunks);
        const json = (): unknown => JSON.parse(whole.toString("utf8"));
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: whole, json });
      });
    });
    call.on("error", reject);
    call.end(body);
  });
}
