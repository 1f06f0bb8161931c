/**
 * Everything in the vault that can be replaced is, while callers go on: not one request may notice. `npm run promise --
 * rotation` does it for longer.
 */
import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { endpoints } from "@portcullis/contract";
import { createSimulator } from "../../src/simulator/index.ts";
import { databases } from "../support/databases.ts";
import { temporaryHome } from "../support/gateway.ts";
import { serve, type GatewayProcess } from "../support/process.ts";

const rounds = Number(process.env["PORTCULLIS_TEST_ROUNDS"] ?? 2);
const sealedValues = 300;
const providerKeys = ["sk-canary-first-key-0001", "sk-canary-second-key-0002"] as const;
const asked = Buffer.from(JSON.stringify({ model: "box/x", messages: [{ role: "user", content: "hello" }] }));

interface Load {
  readonly failures: string[];
  /** How many were answered so far. */
  readonly answered: () => number;
  stop(): Promise<void>;
}

/** Callers that each ask as soon as they were answered; every second one with the second key. */
function startLoad(url: string, keys: readonly string[], callers = 12): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: callers });
  const failures: string[] = [];
  let answered = 0;
  let over = false;
  const ask = (key: string): Promise<void> =>
    new Promise((resolve) => {
      const headers = {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        "content-length": asked.length,
      };
      const sent = request(`${url}/v1/chat/completions`, { method: "POST", agent, headers }, (reply) => {
        const chunks: Buffer[] = [];
        reply.on("data", (chunk: Buffer) => chunks.push(chunk));
        reply.on("end", () => {
          answered += 1;
          if (reply.statusCode !== 200) failures.push(`${reply.statusCode} ${Buffer.concat(chunks).toString()}`);
          resolve();
        });
      });
      sent.on("error", (error) => {
        failures.push(String(error));
        resolve();
      });
      sent.end(asked);
    });
  const workers = Array.from({ length: callers }, async (_, index) => {
    while (!over) await ask(keys[index % keys.length] ?? "");
  });
  return {
    failures,
    answered: () => answered,
    async stop() {
      over = true;
      await Promise.all(workers);
      agent.destroy();
    },
  };
}

/** A gateway before a provider that accepts both of its keys, with values enough that moving them takes a while. */
async function openBox(home: string, storage: string) {
  const vendor = createSimulator({ apiKeys: [...providerKeys] });
  const { url } = await vendor.listen();
  after(() => vendor.close());
  const gate = await serve({ home, environment: { PORTCULLIS_STORAGE_URL: storage, PORTCULLIS_LOG_LEVEL: "warn" } });
  after(() => gate.kill());
  const { admin } = gate;
  await admin.call(endpoints.providers.create, {
    input: { id: "box", dialect: "openai-chat", base_url: url, allow_private: true },
  });
  const credential = await admin.call(endpoints.credentials.create, {
    input: { provider: "box", value: providerKeys[0], test: true },
  });
  for (let index = 0; index < sealedValues; index++) {
    await admin.call(endpoints.secrets.put, {
      params: { name: `value_${index}` },
      input: { value: `canary ${index}` },
    });
  }
  const made = [1, 2].map((each) => admin.call(endpoints.keys.create, { input: { description: `caller ${each}` } }));
  const keys = (await Promise.all(made)).map(({ key }) => key);
  return { gate, credentialId: credential.id, keys };
}

type Rotation = (gate: GatewayProcess, credentialId: string, round: number) => Promise<unknown>;

const rotations: Readonly<Record<string, Rotation>> = {
  async "key of sealed values"({ admin }) {
    const before = (await admin.call(endpoints.vault.status)).kek_term ?? 0;
    await admin.call(endpoints.vault.rotate, { input: { kind: "kek" } });
    for (;;) {
      const { rotation, kek_term: term } = await admin.call(endpoints.vault.status);
      assert.equal(rotation?.problem ?? null, null);
      if (rotation === null) return assert.equal(term, before + 1);
      await sleep(20);
    }
  },
  "pepper of callers' keys": ({ admin }) => admin.call(endpoints.vault.rotate, { input: { kind: "token" } }),
  async "root key"({ admin }) {
    const { staged_slots: staged } = await admin.call(endpoints.vault.stageRoot, { input: {} });
    assert.equal(staged?.length, 1);
    await admin.call(endpoints.vault.confirmRoot, { input: {} });
  },
  async "unlock slot"({ admin }) {
    const [old] = (await admin.call(endpoints.vault.listSlots)).data;
    await admin.call(endpoints.vault.addSlot, { input: { kind: "key-file", label: "next" } });
    await admin.call(endpoints.vault.removeSlot, { params: { id: old?.id ?? "" } });
  },
  "provider's key": ({ admin }, id, round) =>
    admin.call(endpoints.credentials.rotate, {
      params: { id },
      input: { value: providerKeys[(round + 1) % 2] ?? "", overlap: "1h" },
    }),
  "place of the vault": ({ admin }, _id, round) =>
    admin.call(endpoints.vault.move, { input: { to: round % 2 === 0 ? "file" : "database" } }),
};

for (const database of databases) {
  test(`every key is replaced under load and no request fails (${database.name})`, {
    skip: database.skip,
  }, async (t) => {
    const home = join(temporaryHome(), "home");
    const storage = await database.create("empty");
    const { gate, credentialId, keys } = await openBox(home, storage);
    const load = startLoad(gate.url, keys);
    t.after(() => load.stop());
    const startedAt = performance.now();
    for (let round = 0; round < rounds; round++) {
      for (const [what, rotate] of Object.entries(rotations)) {
        const [from, before] = [performance.now(), load.answered()];
        await rotate(gate, credentialId, round);
        await sleep(100);
        const seconds = (performance.now() - from) / 1_000;
        const count = load.answered() - before;
        t.diagnostic(`${what}: ${seconds.toFixed(2)} s, ${count} requests, ${Math.round(count / seconds)}/s`);
        assert.deepEqual(load.failures, [], what);
      }
    }
    await load.stop();
    assert.deepEqual(load.failures, []);
    const perSecond = Math.round(load.answered() / ((performance.now() - startedAt) / 1_000));
    t.diagnostic(`${load.answered()} requests during ${rounds} times every rotation (${perSecond}/s): 0 failed`);

    // And all of it is there after the next start.
    assert.equal((await gate.stop()).code, 0);
    const again = await serve({ home, environment: { PORTCULLIS_STORAGE_URL: storage, PORTCULLIS_LOG_LEVEL: "warn" } });
    const status = await again.admin.call(endpoints.vault.status);
    assert.deepEqual([status.state, status.records, status.kek_term], ["unsealed", sealedValues + 2, rounds + 1]);
    const after = startLoad(again.url, keys);
    await sleep(200);
    await after.stop();
    assert.deepEqual(after.failures, []);
    assert.ok(after.answered() > 0);
    assert.equal((await again.stop()).code, 0);
  });
}
