import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { endpoints } from "@portcullis/contract";
import { systemClock } from "../../src/kernel/clock.ts";
import { createSimulator } from "../../src/simulator/index.ts";
import { openGate, type Gate } from "../support/gateway.ts";
import { openHashicorpServer } from "../support/hashicorp-server.ts";

/*
 * A provider key that lies in a vault elsewhere, and that the configuration refers to: read when it is used, followed when it
 * is replaced, used for a while when the vault is away.
 */

const first = "sk-elsewhere-canary-0123456789";
const second = "sk-elsewhere-canary-9876543210";

async function open({ cache = "1s", keep = "1h", away = false } = {}) {
  const simulator = createSimulator({ apiKeys: [first, second], scenarios: [] });
  const upstream = await simulator.listen();
  const vault = await openHashicorpServer({ clock: systemClock });
  vault.put("secret/team/llm", { api_key: first });
  if (away) await vault.pause();
  const config = `
providers:
  elsewhere:
    base_url: ${upstream.url}
    dialect: openai-chat
    allow_private: true
    api_key: "vault:secret/team/llm#api_key"
    models: [some-model]
sources:
  cache: ${cache}
  keep: ${keep}
  timeout: 3s
  vault_address: ${vault.url}
`;
  const gate = await openGate({ config, environment: { VAULT_TOKEN: vault.rootToken } });
  after(async () => {
    await simulator.close();
    await vault.pause();
  });
  const ask = () =>
    gate.post("/v1/chat/completions", {
      model: "elsewhere/some-model",
      messages: [{ role: "user", content: "hello" }],
    });
  const keysUsed = (): readonly string[] =>
    simulator.requests.flatMap(
      ({ headers }) => /Bearer (\S+)/i.exec(headers.join("\n").replaceAll("\n", " "))?.[1] ?? [],
    );
  return { gate, vault, ask, keysUsed };
}

const sourcesOf = async (gate: Gate) => (await gate.admin.call(endpoints.status.get)).sources;

async function until(holds: () => Promise<boolean>, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await holds())) {
    assert.ok(performance.now() < end, "it did not come about in time");
    await pause(100);
  }
}

test("a key in a vault elsewhere is used, its successor follows, and the log holds neither", async () => {
  const { gate, vault, ask, keysUsed } = await open();
  assert.equal((await ask()).status, 200);
  assert.equal(keysUsed().at(-1), first);
  vault.put("secret/team/llm", { api_key: second });
  await until(async () => (await ask()).status === 200 && keysUsed().at(-1) === second);
  const [source] = await sourcesOf(gate);
  assert.deepEqual([source?.kind, source?.ok, source?.cached], ["vault", true, 1]);
  const listed = await gate.admin.call(endpoints.credentials.list, { query: { provider: "elsewhere" } });
  assert.doesNotMatch(JSON.stringify([listed, await sourcesOf(gate)]) + gate.logLines.join(""), /canary/);
});

test("while the vault is away the last key is used, and status and log say so", async () => {
  const { gate, vault, ask } = await open();
  assert.equal((await ask()).status, 200);
  await vault.pause();
  await pause(1_500);
  assert.equal((await ask()).status, 200);
  const [source] = await sourcesOf(gate);
  assert.equal(source?.ok, false);
  assert.match(source?.problem ?? "", /could not be reached/);
  assert.ok((source?.age_ms ?? 0) >= 1_000);
  assert.match(gate.logLines.join(""), /the last value goes on being used/);
});

test("a gateway starts while the vault is away, answers 503 for that provider alone, and recovers by itself", async () => {
  const { gate, vault, ask } = await open({ away: true });
  const refused = await ask();
  assert.equal(refused.status, 503);
  assert.match(JSON.stringify(refused.json()), /the API key for elsewhere cannot be read from where it is kept/);
  assert.doesNotMatch(refused.body.toString(), /127\.0\.0\.1|secret\/team/, "callers are not told where keys are kept");
  assert.match(gate.logLines.join(""), /secret\/team\/llm/);
  assert.equal((await gate.get("/readyz")).status, 200);
  assert.equal((await sourcesOf(gate))[0]?.ok, false);
  await vault.resume();
  await until(async () => (await ask()).status === 200);
  assert.equal((await sourcesOf(gate))[0]?.ok, true);
});

test("a value that the vault says is gone is used no more", async () => {
  const { vault, ask } = await open();
  assert.equal((await ask()).status, 200);
  vault.remove("secret/team/llm");
  await until(async () => (await ask()).status === 503);
});
