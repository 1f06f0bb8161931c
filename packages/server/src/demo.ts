import { request } from "node:http";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, type Client } from "@portcullis/client";
import { endpoints } from "@portcullis/contract";
import type { DemoOptions } from "./cli/index.ts";
import { startGateway } from "./compose.ts";
import { loadConfig } from "./config/index.ts";
import { AppError } from "./kernel/errors.ts";
import { silentLog } from "./kernel/log.ts";
import { formatUsd } from "./kernel/money.ts";
import { createSseReader } from "./kernel/sse.ts";
import { configNames } from "./settings.ts";
import { createSimulator } from "./simulator/index.ts";
import { stopSignal } from "./stop-signal.ts";

type Say = (line: string) => void;

/** One conversation of the demonstration: a dialect, who answers, and how a reply's text is read. */
interface Act {
  readonly title: string;
  readonly provider: string;
  readonly dialect: "anthropic-messages" | "openai-chat";
  readonly model: string;
  readonly path: string;
  readonly price: { readonly input: number; readonly output: number };
  readonly body: object;
  /** What the simulated provider is to answer. */
  readonly answer: string;
  /** The piece of text in one event of the stream. */
  readonly textOf: (event: Json) => unknown;
}

type Json = { readonly [name: string]: Json } & readonly Json[];

const acts: readonly Act[] = [
  {
    title: "Anthropic Messages, streamed",
    provider: "demo-anthropic",
    dialect: "anthropic-messages",
    model: "claude-sonnet-4-5",
    path: "/v1/messages",
    price: { input: 3_000_000, output: 15_000_000 },
    body: { max_tokens: 300, messages: [{ role: "user", content: "What does a portcullis do?" }] },
    answer:
      "It is the heavy grille in a castle's gateway. Raised, everyone who may pass walks through without noticing it; lowered, nobody does. The keys stay inside with the gatekeeper. (A simulated provider says this, word by word; the gate around it is real.)",
    textOf: (event) => event["delta"]?.["text"],
  },
  {
    title: "OpenAI Chat Completions, streamed",
    provider: "demo-openai",
    dialect: "openai-chat",
    model: "gpt-5",
    path: "/v1/chat/completions",
    price: { input: 1_250_000, output: 10_000_000 },
    body: { messages: [{ role: "user", content: "And why would an AI gateway be called one?" }] },
    answer:
      "Because it does the same for models: your programs come to the gate with keys you can revoke, the providers' keys never leave the castle, and the gatekeeper writes down who passed, how much they carried, and what it cost.",
    textOf: (event) => event["choices"]?.[0]?.["delta"]?.["content"],
  },
];

/**
 * Everything real but the provider: starts the gateway on an empty home, gives it a simulated provider's sealed keys, makes
 * a key, holds two streamed conversations through it, and tells what was used, what it cost and what was written down.
 */
export async function demo(options: DemoOptions, say: Say): Promise<void> {
  const stopped = stopSignal();
  const home = options.home ?? (await mkdtemp(join(tmpdir(), "portcullis-demo-")));
  const providerKey = `sk-simulated-${crypto.randomUUID()}`;
  const simulator = createSimulator({ apiKeys: [providerKey] });
  const upstream = await simulator.listen({});
  const gateway = await startOn(options.port ?? 8484, home, options.port === undefined);
  try {
    const admin = createClient({ baseUrl: gateway.url, token: gateway.adminToken.reveal() });
    say(`Portcullis is up at ${gateway.url}: vault open, ledger and journal in ${home}`);
    for (const act of acts) await prepare(act, upstream.url, providerKey, admin);
    const { key } = await admin.call(endpoints.keys.create, { input: { description: "demo", user: "you" } });
    say("Two provider keys are sealed in the vault. You hold one key, and it is not a provider's:");
    say(`  ${key}`);
    for (const act of acts) await play(act, gateway.url, key, admin, say);
    await showAudit(admin, say);
    sayHowToCall(gateway.url, key, say);
    await stopped;
    say("Bye.");
  } finally {
    await gateway.close();
    await simulator.close();
    if (options.home === undefined) await rm(home, { recursive: true, force: true });
  }
}

/** On the usual port if it is free, so that the printed addresses are the usual ones. */
async function startOn(port: number, home: string, orAnyOther: boolean) {
  const load = (wanted: number) =>
    loadConfig({
      names: configNames,
      home,
      environment: {},
      directory: home,
      flags: { "server.port": String(wanted) },
    });
  try {
    return await startGateway(load(port), silentLog);
  } catch (error) {
    if (!orAnyOther || !(error instanceof AppError) || error.code !== "port_in_use") throw error;
    return startGateway(load(0), silentLog);
  }
}

async function prepare(act: Act, upstreamUrl: string, providerKey: string, admin: Client): Promise<void> {
  const { provider, dialect, model, price } = act;
  await admin.call(endpoints.providers.create, {
    input: { id: provider, display_name: "Simulated provider", dialect, base_url: upstreamUrl, allow_private: true },
  });
  await admin.call(endpoints.models.create, {
    params: { id: provider },
    input: { name: model, price_micros_per_mtok: price },
  });
  await admin.call(endpoints.credentials.create, { input: { provider, value: providerKey, test: true } });
}

async function play(act: Act, url: string, key: string, admin: Client, say: Say): Promise<void> {
  say("");
  say(`── ${act.title} ── POST ${act.path}, model ${act.provider}/${act.model}`);
  const requestId = await converse(act, url, key, say);
  const row = await admin.call(endpoints.requests.get, { params: { id: requestId } });
  const cost = row.cost_micros === null ? "unknown" : formatUsd(row.cost_micros);
  say(`   usage: ${row.input_tokens} tokens in, ${row.output_tokens} out (${row.usage_source})`);
  say(
    `   cost:  ${cost}   first byte after ${row.first_byte_ms ?? 0} ms, all after ${row.latency_ms ?? 0} ms   ${requestId}`,
  );
}

/** Holds one streamed conversation and says the reply line by line as it comes. Returns the request's id. */
function converse(act: Act, url: string, key: string, say: Say): Promise<string> {
  const body = JSON.stringify({ ...act.body, model: `${act.provider}/${act.model}`, stream: true });
  const headers = {
    authorization: `Bearer ${key}`,
    "content-type": "application/json",
    "anthropic-version": "2023-06-01",
    "x-simulator": JSON.stringify({ pace_ms: 25, text: act.answer }),
  };
  const write = wrapped(say);
  return new Promise((resolve, reject) => {
    const call = request(`${url}${act.path}`, { method: "POST", headers }, (response) => {
      const reader = createSseReader(1024 * 1024);
      response.on("data", (chunk: Buffer) => {
        for (const event of reader.push(chunk)) {
          const text = event.data.startsWith("{") ? act.textOf(JSON.parse(event.data) as Json) : undefined;
          if (typeof text === "string") write(text);
        }
      });
      response.on("error", reject);
      response.on("end", () => {
        write("\n");
        resolve(String(response.headers["x-request-id"]));
      });
    });
    call.on("error", reject);
    call.end(body);
  });
}

/** Takes pieces of text and says whole lines of at most 76 characters, indented. */
function wrapped(say: Say): (text: string) => void {
  let line = "";
  return (text) => {
    line += text;
    for (;;) {
      const newline = line.indexOf("\n");
      const cut = newline !== -1 && newline <= 76 ? newline : line.length > 76 ? line.lastIndexOf(" ", 76) : -1;
      if (cut === -1) return;
      if (cut > 0) say(`   ${line.slice(0, cut)}`);
      line = line.slice(cut + 1);
    }
  };
}

async function showAudit(admin: Client, say: Say): Promise<void> {
  const { data } = await admin.call(endpoints.audit.list, { query: { limit: 1 } });
  const [event] = data;
  if (event === undefined) return;
  say("");
  say(
    `audit #${event.seq}: ${event.actor} ${event.action} ${JSON.stringify(event.detail)}  hash ${event.hash.slice(0, 16)}…`,
  );
}

function sayHowToCall(url: string, key: string, say: Say): void {
  const [anthropic, openai] = acts as [Act, Act];
  say("");
  say("Call it yourself:");
  say(`  export KEY=${key}`);
  say(`  curl -N ${url}${openai.path} -H "authorization: Bearer $KEY" -H 'content-type: application/json' \\`);
  say(
    `    -d '{"model":"${openai.provider}/${openai.model}","stream":true,"messages":[{"role":"user","content":"hello"}]}'`,
  );
  say("With an OpenAI SDK:");
  say(`  OPENAI_BASE_URL=${url}/v1 OPENAI_API_KEY=$KEY`);
  say("With Claude Code:");
  say(`  ANTHROPIC_BASE_URL=${url} ANTHROPIC_AUTH_TOKEN=$KEY claude --model ${anthropic.provider}/${anthropic.model}`);
  say("");
  say("This was a simulated provider. For a real one: `npm start`, then in another terminal `npx portcullis setup`.");
  say("Ctrl-C ends the demo and removes what it wrote.");
}
