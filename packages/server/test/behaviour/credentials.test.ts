import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { endpoints, type CallOf, type Credential } from "@portcullis/contract";
import { createSimulator } from "../../src/simulator/index.ts";
import { databases } from "../support/databases.ts";
import { openGate, simulated, type Gate, type GateOptions } from "../support/gateway.ts";

const keys = ["sk-canary-first-key-0001", "sk-canary-second-key-0002"] as const;
const body = { model: "box/x", messages: [{ role: "user", content: "hello" }] };
const ask = (gate: Gate) => gate.post("/v1/chat/completions", body);
const outcome = (status: number) => (thrown: unknown) =>
  typeof thrown === "object" && thrown !== null && "status" in thrown && thrown.status === status;

/** A gateway before a provider that accepts both keys, and holds the first. */
async function openBox(options: GateOptions = {}) {
  const vendor = createSimulator({ apiKeys: [...keys] });
  const { url } = await vendor.listen();
  after(() => vendor.close());
  const gate = await openGate(options);
  await gate.admin.call(endpoints.providers.create, {
    input: { id: "box", dialect: "openai-chat", base_url: url, allow_private: true },
  });
  const input = { provider: "box", value: keys[0], test: true };
  const { id } = await gate.admin.call(endpoints.credentials.create, { input });
  const show = (): Promise<Credential> => gate.admin.call(endpoints.credentials.get, { params: { id } });
  const used = () =>
    vendor.requests
      .at(-1)
      ?.headers.find((text) => text.startsWith("Bearer "))
      ?.slice(7);
  return { gate, vendor, url, id, show, used };
}

test("a key is rotated under load without one failed request, and the new one is used at once", async () => {
  const { gate, id, show, used } = await openBox();
  let isOver = false;
  const statuses = new Map<number, number>();
  const startedAt = performance.now();
  const worker = async (): Promise<void> => {
    while (!isOver) {
      const { status } = await ask(gate);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const workers = Array.from({ length: 8 }, worker);
  const rotations = 6;
  for (let round = 1; round <= rotations; round++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const value = keys[round % 2] ?? "";
    const rotated = await gate.admin.call(endpoints.credentials.rotate, {
      params: { id },
      input: { value, overlap: round % 3 === 0 ? undefined : "1h" },
    });
    assert.deepEqual([rotated.last_four, rotated.test_ok], [value.slice(-4), true]);
  }
  isOver = true;
  await Promise.all(workers);
  const requests = statuses.get(200) ?? 0;
  const perSecond = Math.round(requests / ((performance.now() - startedAt) / 1_000));
  console.log(`${rotations} rotations during ${requests} requests (${perSecond}/s): 0 failed`);
  assert.deepEqual([...statuses.keys()], [200]);
  assert.equal((await ask(gate)).status, 200);
  assert.equal(used(), keys[rotations % 2]);
  assert.equal((await show()).state, "usable");
});

test("a new key that the provider does not accept is not put in force", async () => {
  const { gate, id, show, used } = await openBox();
  const input = { value: "sk-canary-wrong-key-9999", overlap: "1h" };
  await assert.rejects(gate.admin.call(endpoints.credentials.rotate, { params: { id }, input }), outcome(400));
  const shown = await show();
  assert.deepEqual([shown.last_four, shown.previous, shown.state], ["0001", null, "usable"]);
  assert.equal((await ask(gate)).status, 200);
  assert.equal(used(), keys[0]);
});

test("a provider that refuses the new key within the overlap gets the one before again, and it is told everywhere", async () => {
  const { gate, id, show, used } = await openBox();
  const input = { value: "sk-canary-wrong-key-9999", overlap: "1h", test: false };
  const rotated = await gate.admin.call(endpoints.credentials.rotate, { params: { id }, input });
  assert.equal(rotated.previous?.last_four, "0001");
  assert.equal((await ask(gate)).status, 502, "the request that finds it out");
  for (let attempt = 0; (await show()).state !== "rolled_back"; attempt++) {
    assert.ok(attempt < 100, (await show()).state);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.equal((await ask(gate)).status, 200);
  assert.equal(used(), keys[0]);
  const shown = await show();
  assert.deepEqual([shown.last_four, shown.previous, shown.state], ["0001", null, "rolled_back"]);
  const { data } = await gate.admin.call(endpoints.audit.list, { query: { limit: 50 } });
  assert.ok(data.some((event) => event.action === "credentials.roll_back" && event.target === id));
  assert.ok(gate.logLines.some((line) => line.includes("the one before is in force again")));
  assert.ok(gate.logLines.every((line) => !line.includes("canary")));
});

test("without an overlap a refused key is shown as refused until a test of it goes well", async () => {
  const { gate, id, show } = await openBox();
  const input = { value: "sk-canary-wrong-key-9999", test: false };
  await gate.admin.call(endpoints.credentials.rotate, { params: { id }, input });
  assert.equal((await ask(gate)).status, 502);
  const refused = await show();
  assert.deepEqual([refused.state, refused.trouble?.count], ["refused", 1]);
  assert.equal((await gate.admin.call(endpoints.credentials.test, { params: { id } })).ok, false);
  assert.equal((await show()).state, "refused");
  await gate.admin.call(endpoints.credentials.rotate, { params: { id }, input: { value: keys[1] } });
  assert.deepEqual([(await show()).state, (await show()).trouble], ["usable", null]);
});

for (const database of databases) {
  test(`a list shows the use of each key, and usage is told by credential (${database.name})`, {
    skip: database.skip,
  }, async () => {
    const { gate, id } = await openBox({ storageUrl: await database.create("empty") });
    for (let time = 0; time < 3; time++) await ask(gate);
    await gate.post("/v1/chat/completions", { ...body, messages: "none" });
    const { data } = await gate.admin.call(endpoints.credentials.list, { query: { provider: "box" } });
    const [shown] = data;
    assert.equal(shown?.id, id);
    assert.ok((shown.usage?.requests ?? 0) >= 3 && shown.usage?.last_used_at !== null);
    const others = await gate.admin.call(endpoints.credentials.list, { query: { provider: simulated.gemini } });
    assert.deepEqual(others.data[0]?.usage, { requests: 0, errors: 0, last_used_at: null });
    const sums = await gate.admin.call(endpoints.usage.sum, { query: { by: "credential", since: "24h" } });
    const sum = sums.data.find((row) => row.credential === id);
    assert.equal(sum?.requests, shown.usage?.requests);
    const rows = await gate.admin.call(endpoints.requests.list, { query: { credential: id } });
    assert.equal(rows.data.length, shown.usage?.requests);
  });
}

test("label, weight, priority and expiry are changed one by one; nothing else is, and not to nonsense", async () => {
  const { gate, id, show } = await openBox();
  const update = (input: CallOf<typeof endpoints.credentials.update>["input"] & {}) =>
    gate.admin.call(endpoints.credentials.update, { params: { id }, input });
  assert.equal((await update({ label: "ours" })).label, "ours");
  const changed = await update({ weight: 7, priority: 2, expires_in: "30d" });
  assert.deepEqual([changed.label, changed.weight, changed.priority], ["ours", 7, 2]);
  assert.notEqual(changed.expires_at, null);
  assert.equal((await update({ expires_at: null })).expires_at, null);
  for (const bad of [{ weight: 0 }, { priority: -1 }, { expires_at: "2001-01-01T00:00:00Z" }, { value: "x" } as never])
    await assert.rejects(update(bad), outcome(400));
  assert.deepEqual([(await show()).weight, (await show()).label], [7, "ours"]);
});

test("a key is revealed only where the configuration allows it, and that is recorded", async () => {
  const closed = await openBox();
  await assert.rejects(
    closed.gate.admin.call(endpoints.credentials.reveal, { params: { id: closed.id } }),
    outcome(403),
  );
  const open = await openBox({ config: "vault:\n  reveal: true\n" });
  const revealed = await open.gate.admin.call(endpoints.credentials.reveal, { params: { id: open.id } });
  assert.deepEqual(revealed, { id: open.id, value: keys[0] });
  const { data } = await open.gate.admin.call(endpoints.audit.list, { query: { limit: 5 } });
  assert.ok(data.some((event) => event.action === "credentials.revealed" && event.target === open.id));
});

test("a key that is kept by reference is tested, used, shown as what it is, and never stored", async () => {
  const { gate, used, id } = await openBox({
    environment: { BOX_KEY: keys[1], BOX_WRONG: "sk-canary-wrong-key-9999" },
  });
  await gate.admin.call(endpoints.credentials.remove, { params: { id } });
  const add = (reference: string) =>
    gate.admin.call(endpoints.credentials.create, { input: { provider: "box", reference, test: true } });
  for (const wrong of ["env:BOX_WRONG", "file:/etc/hostname", "env:PORTCULLIS_ROOT_KEY", "sk-canary-first-key-0001"])
    await assert.rejects(add(wrong), outcome(400), wrong);
  await assert.rejects(add("env:BOX_NOWHERE"), outcome(503));
  const added = await add("env:BOX_KEY");
  assert.deepEqual([added.reference, added.last_four, added.test_ok], ["env:BOX_KEY", "", true]);
  assert.equal((await ask(gate)).status, 200);
  assert.equal(used(), keys[1]);
  const both = { provider: "box", reference: "env:BOX_KEY", value: keys[0] };
  await assert.rejects(gate.admin.call(endpoints.credentials.create, { input: both }), outcome(400));
  await assert.rejects(gate.admin.call(endpoints.credentials.create, { input: { provider: "box" } }), outcome(400));
  const { data } = await gate.admin.call(endpoints.audit.list, { query: { limit: 50 } });
  assert.ok(!JSON.stringify(data).includes("canary"));
});

test("a provider whose address somebody wrote into the database gets no key, at any level of thoroughness", async () => {
  const seen: string[] = [];
  const evil = createServer((request, response) => {
    seen.push(JSON.stringify(request.headers));
    response.end("{}");
  });
  await new Promise<void>((resolve) => evil.listen(0, "127.0.0.1", resolve));
  after(() => void evil.close());
  const evilUrl = `http://127.0.0.1:${(evil.address() as AddressInfo).port}`;
  const { gate, id } = await openBox();
  await gate.close();
  const edits = [
    `update providers set base_url = '${evilUrl}' where id = 'box'`,
    `update credentials set origins = '["${evilUrl}"]' where provider_id = 'box'`,
    `update sealed_records set origins = '["${evilUrl}"]' where id = '${id}'`,
  ];
  for (const edit of edits) {
    const file = new DatabaseSync(join(gate.home, "portcullis.db"));
    file.exec(edit);
    file.close();
    const again = await openGate({ home: gate.home });
    const reply = await ask(again);
    assert.ok(reply.status >= 500, `${edit}: ${reply.status}`);
    const { data } = await again.admin.call(endpoints.credentials.list, { query: { provider: "box" } });
    assert.match(data[0]?.state ?? "", /^(?:wrong_origin|unreadable)$/);
    await again.admin.call(endpoints.credentials.test, { params: { id } }).catch(() => undefined);
    await again.close();
  }
  assert.ok(
    seen.every((headers) => !headers.includes("canary")),
    seen.join("\n"),
  );
});

test("a new address wants the key again, and says what to type", async () => {
  const { gate, url } = await openBox();
  const change = (input: { base_url: string; api_key?: string }) =>
    gate.admin.call(endpoints.providers.update, { params: { id: "box" }, input });
  await assert.rejects(change({ base_url: `${url}/elsewhere` }), (error: Error & { code?: string; hint?: string }) => {
    assert.equal(error.code, "key_reentry_needed");
    assert.match(error.hint ?? "", /portcullis providers update box --base-url URL --read-key/);
    return true;
  });
  assert.equal((await ask(gate)).status, 200, "nothing has changed");
});
