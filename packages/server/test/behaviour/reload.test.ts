import assert from "node:assert/strict";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { endpoints } from "@portcullis/contract";
import { createSimulator } from "../../src/simulator/index.ts";
import { openGate, send, temporaryHome, type Gate, type GateOptions } from "../support/gateway.ts";
import { callersOf, cli, furnish, serve, type GatewayProcess } from "../support/process.ts";
import { ask, minimal, normalEnd, openStream, until } from "./ask.ts";

/*
 * A change of the configuration file, while the gateway runs: all of it is in force or none of it, and whoever is being
 * served does not notice.
 */

const environment = { DECLARED_KEY: "sk-provider-canary-0123456789abcdef" };

const provider = (baseUrl: string, more = "", key = "env:DECLARED_KEY"): string =>
  `  declared: { base_url: "${baseUrl}", dialect: openai-chat, allow_private: true, api_key: "${key}"${more} }\n`;

/** A gate with a file, and what writes another text into it and has it read. */
async function openReloadable(options: GateOptions & { readonly config: string }): Promise<
  Gate & {
    change(text: string): Promise<boolean>;
  }
> {
  const gate = await openGate({ ...options, environment });
  const change = (text: string): Promise<boolean> => {
    writeFileSync(join(gate.home, "portcullis.yaml"), text);
    return gate.gateway.reload();
  };
  return { ...gate, change };
}

const configOf = async (gate: Pick<Gate, "admin">) => (await gate.admin.call(endpoints.status.get)).config;
const lastHeaders = (gate: Gate): string => gate.simulator.requests.at(-1)?.headers.join("\n").toLowerCase() ?? "";

async function simulatorAddress(gate: Gate): Promise<string> {
  return (await gate.admin.call(endpoints.providers.get, { params: { id: "sim-chat" } })).base_url;
}

test("providers, their models, headers and keys follow the file", async () => {
  const gate = await openReloadable({ config: "log: { level: info }\n" });
  const key = environment.DECLARED_KEY;
  const address = await simulatorAddress(gate);
  const model = "declared/some-model";
  const asked = () => ask(gate, "openai-chat", { model });
  assert.equal((await asked()).status, 404);

  const declared = `providers:\n${provider(address, ", headers: { x-team: one }")}`;
  assert.equal(await gate.change(declared), true);
  assert.equal((await asked()).status, 200);
  assert.match(lastHeaders(gate), new RegExp(`x-team\none[^]*bearer ${key}|bearer ${key}[^]*x-team\none`));
  const shown = await gate.admin.call(endpoints.providers.get, { params: { id: "declared" } });
  assert.equal(shown.custom, true);

  assert.equal(await gate.change(declared.replace("one", "two").replace("headers", "models: [house], headers")), true);
  assert.equal(
    (await ask(gate, "openai-chat", { model: "house" })).status,
    200,
    "its model is known by its name alone",
  );
  assert.match(lastHeaders(gate), /x-team\ntwo/);

  assert.equal(await gate.change("# nothing is declared any more\n"), true);
  assert.equal((await asked()).status, 404);
  assert.equal((await ask(gate, "openai-chat", { model: "house" })).status, 404);
});

test("limits, allowed hosts and origins, and defaults of keys follow the file", async () => {
  const gate = await openReloadable({ config: "keys: { expires: 30d }\n", logLevel: "debug" });
  const named = (headers: Record<string, string>) => gate.get("/v1/models", headers);
  const text = "x".repeat(3_000);
  const [host, origin] = [{ host: "gateway.lan" }, { origin: "https://app.example.com" }];
  assert.equal((await named(host)).status, 403);
  assert.equal((await named(origin)).status, 403);
  assert.equal((await ask(gate, "openai-chat", { user: text })).status, 200);
  assert.notEqual((await gate.admin.call(endpoints.keys.create, { input: {} })).expires_at, null);

  const next =
    "server: { allowed_hosts: [gateway.lan], allowed_origins: ['https://app.example.com'], body_limit_bytes: 2048 }\n";
  assert.equal(await gate.change(next), true);
  assert.equal((await named(host)).status, 200);
  assert.equal((await named(origin)).status, 200);
  assert.equal((await ask(gate, "openai-chat", { user: text })).status, 413);
  assert.equal((await gate.admin.call(endpoints.keys.create, { input: {} })).expires_at, null);
});

test("timeouts of providers follow the file, over new connections", async () => {
  const gate = await openReloadable({ config: "upstream: { first_byte_timeout: 10m }\n" });
  const hanging = { "x-simulator": '{"delay_ms": 1500}' };
  assert.equal((await ask(gate, "openai-chat", {}, hanging)).status, 200);
  assert.equal(await gate.change("upstream: { first_byte_timeout: 1s }\n"), true);
  assert.equal((await ask(gate, "openai-chat", {}, hanging)).status, 504);
  assert.equal((await ask(gate, "openai-chat")).status, 200);
});

test("a file with a mistake is refused whole; the old stays in force, and log and status say where the mistake is", async () => {
  const gate = await openReloadable({ config: "keys: { expires: 30d }\n" });
  const before = await configOf(gate);
  assert.deepEqual([before.file, before.problem], [join(gate.home, "portcullis.yaml"), null]);
  assert.equal(await gate.change("keys:\n  expires: 60d\nlog:\n  level: loud\n"), false);
  const refused = await configOf(gate);
  assert.equal(refused.loaded_at, before.loaded_at);
  assert.match(refused.problem ?? "", /portcullis\.yaml:4:10: "log\.level" must be one of debug, info, warn, error/);
  const line = gate.logLines.find((each) => each.includes("was not reloaded"));
  assert.match(line ?? "", /"level":"error".*portcullis\.yaml:4:10/);
  const { expires_at } = await gate.admin.call(endpoints.keys.create, { input: {} });
  const days = (Date.parse(expires_at ?? "") - Date.now()) / 86_400_000;
  assert.ok(Math.abs(days - 30) < 1, "what was right in the file is not in force either");

  assert.equal(await gate.change("keys:\n  expires: 60d\n"), true);
  const mended = await configOf(gate);
  assert.equal(mended.problem, null);
  assert.ok(mended.loaded_at > before.loaded_at);
});

test("what is read at the start only is refused by name, and nothing else of the file is taken", async () => {
  const gate = await openReloadable({ config: "log: { level: info }\n" });
  const fixed = {
    "server: { host: localhost }": '1:11: "server.host" is',
    "admin: { port: 8999 }": '1:10: "admin.port" is',
    "storage: { url: 'postgres://ada:canary@db.lan/p' }": '1:12: "storage.url" is',
    "vault: { unlocker: passphrase, cache: 1s }": '1:32: "vault.cache", portcullis.yaml:1:10: "vault.unlocker" are',
  };
  for (const [text, words] of Object.entries(fixed)) {
    assert.equal(await gate.change(`${text}\nkeys: { expires: 1d }\n`), false, text);
    const { problem } = await configOf(gate);
    assert.ok(problem?.includes(`portcullis.yaml:${words} read at the start only`), `${text} → ${problem}`);
    assert.doesNotMatch(problem ?? "", /canary/);
    assert.equal((await gate.admin.call(endpoints.keys.create, { input: {} })).expires_at, null);
  }
});

test("a reference to a variable or a key file that is not there is refused, and the provider stays as it was", async () => {
  const gate = await openReloadable({ config: "log: { level: info }\n" });
  const address = await simulatorAddress(gate);
  const first = `providers:\n${provider(address, ", headers: { x-team: one }")}`;
  assert.equal(await gate.change(first), true);
  for (const [reference, words] of [
    [
      "env:NOT_SET_ANYWHERE",
      /portcullis\.yaml:2:\d+: "providers\.declared\.api_key" refers to the variable NOT_SET_ANYWHERE/,
    ],
    [`file:${join(gate.home, "nothing.key")}`, /the key of the provider declared is to come from file:\S+nothing\.key/],
  ] as const) {
    const next = `providers:\n${provider(address, ", headers: { x-team: two }", reference)}`;
    assert.equal(await gate.change(next), false);
    assert.match((await configOf(gate)).problem ?? "", words);
    assert.equal((await ask(gate, "openai-chat", { model: "declared/m" })).status, 200);
    assert.match(lastHeaders(gate), /x-team\none/);
  }
});

test("a key file is read again, whether or not the configuration changed", async () => {
  const gate = await openReloadable({ config: "log: { level: info }\n" });
  const file = join(gate.home, "provider.key");
  writeFileSync(file, "sk-wrong-0123456789abcdef", { mode: 0o600 });
  const text = `providers:\n${provider(await simulatorAddress(gate), "", `file:${file}`)}`;
  assert.equal(await gate.change(text), true);
  assert.equal((await ask(gate, "openai-chat", { model: "declared/m" })).status, 502);
  writeFileSync(file, gate.providerKey);
  assert.equal(await gate.gateway.reload(), true);
  assert.equal((await ask(gate, "openai-chat", { model: "declared/m" })).status, 200);
});

test("of two changes close together the last is in force, whichever is read when", async () => {
  const gate = await openReloadable({ config: "log: { level: info }\n" });
  const address = await simulatorAddress(gate);
  const version = (team: string): string => `providers:\n${provider(address, `, headers: { x-team: ${team} }`)}`;
  for (let round = 0; round < 20; round += 1) {
    await Promise.all([gate.change(version(`first-${round}`)), gate.change(version(`second-${round}`))]);
    assert.equal((await ask(gate, "openai-chat", { model: "declared/m" })).status, 200);
    assert.match(lastHeaders(gate), new RegExp(`x-team\nsecond-${round}\n`));
  }
});

test("each reload is in the audit log, with the names of what changed and no value; a refused one is not", async () => {
  const gate = await openReloadable({ config: "log: { level: info }\n" });
  const address = await simulatorAddress(gate);
  const events = async () => {
    const { data } = await gate.admin.call(endpoints.audit.list, {});
    return data.filter(({ actor }) => actor === "config");
  };
  assert.equal(await gate.change("nonsense"), false);
  assert.deepEqual(await events(), []);
  const secret = ", headers: { x-token: canary-2 }";
  assert.equal(await gate.change(`log: { level: warn }\nproviders:\n${provider(address, secret)}`), true);
  const [event, ...others] = await events();
  assert.deepEqual(others, []);
  assert.equal(event?.action, "config.reload");
  assert.equal(event?.target, join(gate.home, "portcullis.yaml"));
  const changed = ["allow_private", "api_key", "base_url", "dialect", "headers"].map(
    (name) => `providers.declared.${name}`,
  );
  assert.deepEqual(event?.detail, { changed: ["log.level", ...changed] });
  assert.doesNotMatch(JSON.stringify(event) + gate.logLines.join(""), /canary-[0-9]/);
});

// In a process of its own, as it is used: the file is followed, and SIGHUP asks for it.

interface Running {
  readonly process: GatewayProcess;
  readonly file: string;
  readonly key: string;
  readonly address: string;
  readonly simulator: ReturnType<typeof createSimulator>;
}

async function serveWithFile(t: TestContext, text: string): Promise<Running> {
  const simulator = createSimulator();
  const { url: address } = await simulator.listen();
  t.after(() => simulator.close());
  const [home, directory] = [join(temporaryHome(), "home"), temporaryHome()];
  const file = join(directory, "portcullis.yaml");
  writeFileSync(file, text);
  const process = await serve({ home, args: ["--config", file], environment });
  t.after(() => process.kill());
  return { process, file, address, simulator, key: await furnish(process.admin, address, "sk-provider-key") };
}

const replace = (file: string, text: string): void => {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
};

test("200 streams under way lose nothing while the file is replaced again and again", {
  timeout: 60_000,
}, async (t) => {
  const { process, file, key, address, simulator } = await serveWithFile(t, "log: { level: info }\n");
  const gate = callersOf(process.url, key);
  const deltas = 100;
  const text = Array.from({ length: deltas }, (_, index) => `word${index} `).join("");
  const script = { text, deltas, paceMs: 60, writes: "event" } as const;
  const streams = await Promise.all(Array.from({ length: 200 }, () => openStream(gate, "openai-chat", { script })));
  const version = (round: number): string =>
    `server: { body_limit_bytes: ${100_000 + round}, keep_alive: ${10 + round}s }\nupstream: { idle_timeout: ${60 + round}s, max_connections: ${300 + round} }\n` +
    `log: { level: ${round % 2 === 0 ? "warn" : "debug"} }\nproviders:\n${provider(address, `, headers: { x-round: "${round}" }`)}`;
  for (let round = 0; round < 2; round += 1) {
    replace(file, version(round));
    const inForce = async (): Promise<boolean> => {
      const reply = await gate.post(minimal["openai-chat"].path, {
        model: "declared/m",
        ...minimal["openai-chat"].body("hi"),
      });
      return (
        reply.status === 200 &&
        new RegExp(`x-round\n${round}\n`).test(`${simulator.requests.at(-1)?.headers.join("\n")}\n`)
      );
    };
    await until(`round ${round} is in force`, inForce, 10_000);
    process.signal("SIGHUP");
  }
  assert.ok(
    streams.some(({ incoming }) => !incoming.complete),
    "streams were under way while it changed",
  );
  assert.deepEqual([...new Set(await Promise.all(streams.map(({ over }) => over)))], ["ended"]);
  for (const stream of streams) {
    assert.match(stream.text(), normalEnd);
    const words = [...stream.text().matchAll(/"content":"([^"]*)"/g)].map(([, word]) => word).join("");
    assert.equal(words, text);
  }
});

test("SIGHUP reads the file at once; a mistake in it ends nothing, and the command line says what is wrong", {
  timeout: 30_000,
}, async (t) => {
  const { process, file, key } = await serveWithFile(t, "server: { allowed_hosts: [one.lan] }\n");
  const allows = async (host: string) => (await send(`${process.url}/v1/models`, "GET", key, { host })).status === 200;
  writeFileSync(file, "server: { allowed_hosts: [two.lan] }\n");
  process.signal("SIGHUP");
  await until("the change is in force", () => allows("two.lan"), 10_000);
  assert.equal(await allows("one.lan"), false);

  replace(file, "server: { allowed_hosts: [three.lan], host: localhost }\n");
  process.signal("SIGHUP");
  await until("the log says so", () => process.stderr().includes("was not reloaded"), 10_000);
  assert.match(process.stderr(), /portcullis\.yaml:1:39: \\"server\.host\\"/);
  assert.equal(await allows("two.lan"), true);
  const status = await cli(["status"], { home: process.home, url: process.url });
  assert.match(status.stdout, /not in force +.*portcullis\.yaml:1:39: "server\.host" is read at the start only/);
});

test("a file that is lost ends nothing; when it is back, what it says is in force", { timeout: 30_000 }, async (t) => {
  const { process, file, key } = await serveWithFile(t, "server: { allowed_hosts: [one.lan] }\n");
  const allows = async (host: string) => (await send(`${process.url}/v1/models`, "GET", key, { host })).status === 200;
  const problem = async () => (await process.admin.call(endpoints.status.get)).config.problem;
  rmSync(file);
  await until("the loss is noticed", async () => /there is no such file/.test((await problem()) ?? ""), 10_000);
  assert.equal(await allows("one.lan"), true);
  replace(file, "server: { allowed_hosts: [two.lan] }\n");
  await until("the new file is in force", () => allows("two.lan"), 10_000);
  assert.equal(await problem(), null);
});
