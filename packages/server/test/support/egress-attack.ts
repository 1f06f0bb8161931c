/**
 * Tries to make a gateway connect to forbidden addresses, through every channel that takes a destination or looks as if it
 * did, and counts who was connected to. Run by `ssrf.test.ts` in a network in which every address can be reached; prints
 * its `Report` as the last line.
 */
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PortcullisError, type Client } from "@portcullis/client";
import { endpoints } from "@portcullis/contract";
import { forbiddenRanges, publicAddress, spellingsOf } from "./egress-spellings.ts";
import { send, temporaryHome } from "./gateway.ts";
import { answerNames, listenEverywhere } from "./own-network.ts";
import { serve, type GatewayProcess } from "./process.ts";

export interface Report {
  /** Attempts by channel, and how many of these were accepted so far that the gateway had to decide when connecting. */
  readonly attempts: Readonly<Record<string, { tried: number; accepted: number }>>;
  /** Connections to any address but the public one. */
  readonly breaches: readonly string[];
  /** Connections to the public address, which names resolve to at first. */
  readonly allowed: number;
  /** Ranges whose address was connected to, and counted, without a gateway in between. */
  readonly countable: readonly string[];
  readonly spellings: number;
  readonly ranges: number;
}

const port = 9443;
const attempts: Record<string, { tried: number; accepted: number }> = {};
const breaches: string[] = [];
const countable = new Set<string>();
let allowed = 0;
let current = "";
let control = false;

function noteConnection(address: string): void {
  if (control) countable.add(address);
  else if (address === publicAddress) allowed += 1;
  else breaches.push(`${address} by ${current}`);
}

/** One attempt: `attack` resolves to whether the gateway took the destination in. A refusal is an error with a code. */
async function attempt(channel: string, what: string, attack: () => Promise<boolean>): Promise<boolean> {
  const count = (attempts[channel] ??= { tried: 0, accepted: 0 });
  count.tried += 1;
  current = `${channel}: ${what}`;
  try {
    const accepted = await attack();
    if (accepted) count.accepted += 1;
    return accepted;
  } catch (error) {
    if (error instanceof PortcullisError) return false;
    throw error;
  }
}

interface Gate {
  readonly gate: GatewayProcess;
  readonly admin: Client;
  readonly key: string;
}

const cases = Object.entries(forbiddenRanges).flatMap(([range, address]) =>
  Object.entries(spellingsOf(address, port)).map(([spelling, url]) => ({ what: `${range}, ${spelling}`, url })),
);

/** Whether the listener sees connections to such an address at all: some the system itself refuses. */
async function controlListener(): Promise<void> {
  control = true;
  for (const address of new Set(Object.values(forbiddenRanges))) {
    const socket = connect({ host: address, port, timeout: 500 });
    await new Promise<void>((resolve) => {
      for (const event of ["error", "close", "timeout"]) socket.once(event, () => resolve());
    });
    socket.destroy();
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
  control = false;
}

async function attackByProvider({ admin, key, gate }: Gate, allowPrivate: boolean): Promise<string[]> {
  const accepted: string[] = [];
  const chosen = allowPrivate
    ? cases.filter(({ what }) => !/^(private|shared|loopback|unique local)/.test(what))
    : cases;
  const suffix = allowPrivate ? ", private allowed" : "";
  for (const { what, url } of chosen) {
    const input = { id: "target", base_url: url, dialect: "openai-chat", allow_private: allowPrivate } as const;
    const created = await attempt(`provider created${suffix}`, what, async () => {
      await admin.call(endpoints.providers.create, { input: { ...input, api_key: "sk-the-providers-key-0123" } });
      return true;
    });
    if (!created) continue;
    accepted.push(url);
    const params = { id: "target" };
    await attempt(`provider tested${suffix}`, what, async () => {
      return (await admin.call(endpoints.providers.test, { params, input: {} })).ok;
    });
    await attempt(`models refreshed${suffix}`, what, async () => {
      await admin.call(endpoints.models.refresh, { params });
      return true;
    });
    await attempt(`credential tested${suffix}`, what, async () => {
      const value = "sk-another-key-0123456789";
      await admin.call(endpoints.credentials.create, { input: { provider: "target", value, test: true } });
      return true;
    });
    await attempt(`request sent${suffix}`, what, () => ask(gate.url, key, "target/m"));
    await admin.call(endpoints.providers.remove, { params });
  }
  return accepted;
}

async function ask(url: string, key: string, model: string, headers = {}, extra = {}): Promise<boolean> {
  const body = JSON.stringify({ model, messages: [{ role: "user", content: "hello" }], ...extra });
  return (await send(`${url}/v1/chat/completions`, "POST", key, headers, body)).status === 200;
}

async function attackByUpdate({ admin, gate, key }: Gate): Promise<void> {
  const apiKey = "sk-the-providers-key-0123";
  const input = {
    id: "moved",
    base_url: `https://${publicAddress}:1`,
    dialect: "openai-chat",
    api_key: apiKey,
  } as const;
  await admin.call(endpoints.providers.create, { input });
  for (const { what, url } of cases) {
    const params = { id: "moved" };
    const updated = await attempt("provider changed", what, async () => {
      await admin.call(endpoints.providers.update, { params, input: { base_url: url, api_key: apiKey } });
      return true;
    });
    if (!updated) continue;
    await attempt("request sent after a change", what, () => ask(gate.url, key, "moved/m"));
    await attempt("provider tested after a change", what, async () => {
      return (await admin.call(endpoints.providers.test, { params, input: {} })).ok;
    });
  }
}

/** A provider that is allowed answers every request with a redirect to where the path says. */
async function attackByRedirect({ admin, gate, key }: Gate): Promise<void> {
  let status = 302;
  let location = "";
  const server = createServer((_request, response) => response.writeHead(status, { location }).end());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const input = { id: "redirecting", base_url: baseUrl, dialect: "openai-chat", allow_private: true } as const;
  await admin.call(endpoints.providers.create, { input: { ...input, api_key: "sk-the-providers-key-0123" } });
  for (const [index, { what, url }] of cases.entries()) {
    status = [301, 302, 303, 307, 308][index % 5] ?? 302;
    location = url.replaceAll(/[^\x21-\x7e]/g, (letter) => encodeURIComponent(letter));
    await attempt("redirect of a reply", `${status}, ${what}`, () => ask(gate.url, key, "redirecting/m"));
    await attempt("redirect of a test", `${status}, ${what}`, async () => {
      return (await admin.call(endpoints.providers.test, { params: { id: "redirecting" }, input: {} })).ok;
    });
  }
  server.close();
}

/** What other gateways take a destination from. */
async function attackByRequest({ admin, gate, key }: Gate): Promise<void> {
  const server = createServer((_request, response) =>
    response.writeHead(200, { "content-type": "application/json" }).end("{}"),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const input = { id: "steady", base_url: baseUrl, dialect: "openai-chat", allow_private: true } as const;
  await admin.call(endpoints.providers.create, { input: { ...input, api_key: "sk-the-providers-key-0123" } });
  for (const { what, url } of cases) {
    const shown = url.replaceAll(/[^\x21-\x7e]/g, (letter) => encodeURIComponent(letter));
    const headers = Object.fromEntries(destinationHeaders.map((name) => [name, shown]));
    await attempt("headers", what, () => ask(gate.url, key, "steady/m", headers));
    const fields = Object.fromEntries(destinationFields.map((name) => [name, url]));
    await attempt("fields of the body", what, () => ask(gate.url, key, "steady/m", {}, fields));
    await attempt("name of the model", what, () => ask(gate.url, key, `${url}/m`));
  }
  server.close();
}

const destinationHeaders = [
  "x-portkey-custom-host",
  "x-portkey-config",
  "x-api-base",
  "x-base-url",
  "x-target-url",
  "x-upstream-url",
  "x-litellm-api-base",
  "helicone-target-url",
  "helicone-openai-api-base",
  "x-forwarded-server",
  "x-original-url",
  "x-rewrite-url",
];
const destinationFields = ["api_base", "base_url", "api_url", "endpoint", "custom_host", "azure_endpoint", "url"];

/** The same destinations from the configuration file: those refused for their form alone never get that far. */
async function attackByFile(urls: readonly string[]): Promise<void> {
  const home = temporaryHome();
  const providers = urls.map((url, index) => {
    return `  target-${index}:\n    base_url: ${JSON.stringify(url)}\n    dialect: openai-chat\n    api_key: env:TARGET_KEY\n`;
  });
  writeFileSync(join(home, "portcullis.yaml"), `providers:\n${providers.join("")}`, { mode: 0o600 });
  const gate = await serve({
    home,
    args: ["--config", join(home, "portcullis.yaml")],
    environment: { TARGET_KEY: "sk-the-providers-key-0123" },
  });
  const { key } = await gate.admin.call(endpoints.keys.create, { input: { description: "attack" } });
  for (const [index, url] of urls.entries()) {
    const id = `target-${index}`;
    await attempt("request to a provider of the file", url, () => ask(gate.url, key, `${id}/m`));
    await attempt("test of a provider of the file", url, async () => {
      return (await gate.admin.call(endpoints.providers.test, { params: { id }, input: {} })).ok;
    });
  }
  await gate.stop();
}

await answerNames(publicAddress);
for (const each of [port, 443, 80]) await listenEverywhere(each, noteConnection);
await controlListener();
const gate = await serve({ home: temporaryHome() });
const { key } = await gate.admin.call(endpoints.keys.create, { input: { description: "attack" } });
const parts: Gate = { gate, admin: gate.admin, key };
const accepted = await attackByProvider(parts, false);
await attackByProvider(parts, true);
await attackByUpdate(parts);
await attackByRedirect(parts);
await attackByRequest(parts);
await gate.stop();
await attackByFile(accepted.filter((url) => /^[!-~]+$/.test(url)));
const report: Report = {
  attempts,
  breaches,
  allowed,
  countable: [...countable],
  spellings: Object.keys(spellingsOf("127.0.0.1", port)).length,
  ranges: Object.keys(forbiddenRanges).length,
};
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit());
