import assert from "node:assert/strict";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import type { Vault } from "../vault/index.ts";
import { createProviders, predefinedProviders } from "./index.ts";
import { code, openParts, sourcesOf, type TestParts } from "./test-parts.ts";

const secret = (text: string) => new Secret(`sk-canary-${text}`);
const groqOrigin = "https://api.groq.com:443";
const hourMs = 3_600_000;
const noEvent = async (): Promise<void> => undefined;

async function keyInForce({ start }: TestParts, id: string): Promise<string> {
  const { credentials } = await start();
  return (await credentials.open(credentials.get(id), groqOrigin)).reveal();
}

for (const database of databases) {
  const options = { skip: database.skip };

  test(`with an overlap the key before can come back, sealed until then (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { credentials } = await parts.start();
    const expiresAt = parts.clock.now() + 50 * hourMs;
    const { id } = await credentials.add("groq", secret("old-key-0001"), { label: "work", expiresAt });
    const rotated = await credentials.rotate(id, secret("new-key-0002"), { overlapMs: hourMs });
    assert.deepEqual([rotated.lastFour, rotated.expiresAt, rotated.label], ["0002", null, "work"]);
    assert.deepEqual(credentials.overlapOf(id), { until: parts.clock.now() + hourMs, lastFour: "0001" });
    assert.equal(await keyInForce(parts, id), "sk-canary-new-key-0002");
    const used = await credentials.open(rotated, groqOrigin);

    assert.equal(await credentials.rollBack(id, used, noEvent), true);
    const back = credentials.get(id);
    assert.deepEqual([back.status, back.lastFour, back.expiresAt], ["rolled_back", "0001", expiresAt]);
    assert.equal(credentials.state(back), "rolled_back");
    assert.equal(credentials.choose("groq")?.id, id, "it is used");
    assert.equal(await keyInForce(parts, id), "sk-canary-old-key-0001");
    assert.equal(credentials.overlapOf(id), undefined);
    assert.equal((await parts.vault.status()).records, 1);
    assert.equal(await credentials.rollBack(id, used, noEvent), false, "there is nothing to go back to any more");
    assert.equal((await credentials.enable(id)).status, "active");
  });

  test(`without an overlap nothing of the key before is kept (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { credentials } = await parts.start();
    const { id } = await credentials.add("groq", secret("old-key-0001"));
    await credentials.rotate(id, secret("mid-key-0002"), { overlapMs: hourMs });
    const rotated = await credentials.rotate(id, secret("new-key-0003"));
    assert.equal(credentials.overlapOf(id), undefined);
    assert.equal((await parts.vault.status()).records, 1);
    assert.equal(await credentials.rollBack(id, await credentials.open(rotated, groqOrigin), noEvent), false);
    assert.equal(await keyInForce(parts, id), "sk-canary-new-key-0003");
  });

  test(`the end of an overlap deletes the key before, also after a restart (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const first = (await parts.start()).credentials;
    const { id } = await first.add("groq", secret("old-key-0001"));
    await first.rotate(id, secret("new-key-0002"), { overlapMs: hourMs });
    const { credentials } = await parts.start();
    await credentials.loadOverlaps();
    assert.equal(credentials.overlapOf(id)?.lastFour, "0001");
    assert.deepEqual(await credentials.endOverlaps(), []);
    parts.clock.advance(hourMs);
    const used = await credentials.open(credentials.get(id), groqOrigin);
    assert.equal(await credentials.rollBack(id, used, noEvent), false, "its time is over, deleted or not");
    assert.deepEqual(await credentials.endOverlaps(), [id]);
    assert.equal((await parts.vault.status()).records, 1);
    assert.equal(await keyInForce(parts, id), "sk-canary-new-key-0002");
  });

  test(`a refusal of another key than the one in force changes nothing (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { credentials } = await parts.start();
    const added = await credentials.add("groq", secret("old-key-0001"));
    const before = await credentials.open(added, groqOrigin);
    await credentials.rotate(added.id, secret("new-key-0002"), { overlapMs: hourMs });
    let events = 0;
    const event = async (): Promise<void> => void events++;
    assert.equal(await credentials.rollBack(added.id, before, event), false);
    assert.equal(events, 0);
    assert.equal(await keyInForce(parts, added.id), "sk-canary-new-key-0002");
  });

  test(`a roll-back that cannot be recorded is not made (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { credentials } = await parts.start();
    const { id } = await credentials.add("groq", secret("old-key-0001"));
    const rotated = await credentials.rotate(id, secret("new-key-0002"), { overlapMs: hourMs });
    const used = await credentials.open(rotated, groqOrigin);
    const failing = () => Promise.reject(new AppError("database_unavailable"));
    await assert.rejects(credentials.rollBack(id, used, failing), code("database_unavailable"));
    assert.equal(await keyInForce(parts, id), "sk-canary-new-key-0002");
    assert.equal(await credentials.rollBack(id, used, noEvent), true, "and can be made later");
  });

  test(`a rotation that cannot be is refused and changes nothing (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { credentials } = await parts.start();
    const { id } = await credentials.add("groq", secret("old-key-0001"));
    const present = new Secret("sk-canary-old-key-0001");
    await assert.rejects(credentials.rotate(id, present, { overlapMs: hourMs }), code("invalid_request"));
    for (const bad of [{ overlapMs: 31 * 24 * hourMs }, { overlapMs: -1 }, { expiresAt: parts.clock.now() }])
      await assert.rejects(credentials.rotate(id, secret("new-key-0002"), bad), code("invalid_request"));
    await assert.rejects(credentials.rotate(id, new Secret("two words")), code("invalid_request"));
    await assert.rejects(credentials.rotate("cred_nowhere", secret("new-key-0002")), code("not_found"));
    parts.vault.seal();
    assert.throws(() => credentials.requireRotatable(id), code("vault_sealed"));
    await assert.rejects(credentials.rotate(id, secret("new-key-0002")), code("vault_sealed"));
    await parts.vault.start();
    assert.equal(await keyInForce(parts, id), "sk-canary-old-key-0001");
    assert.equal((await parts.vault.status()).records, 1);
  });

  test(
    `a key for another address does not overlap with one for the present address (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const { id } = await (await parts.start()).credentials.add("groq", secret("old-key-0001"));
      const moved = { file: "portcullis.yaml", providers: [{ id: "groq", baseUrl: "https://proxy.example" }] };
      const { credentials } = await parts.start({ declared: moved });
      await assert.rejects(
        credentials.rotate(id, secret("new-key-0002"), { overlapMs: hourMs }),
        code("invalid_request"),
      );
      await credentials.rotate(id, secret("new-key-0002"));
      assert.equal(credentials.state(credentials.get(id)), "usable");
      await assert.rejects(credentials.open(credentials.get(id), groqOrigin), code("vault_origin_refused"));
    },
  );

  test(
    `wherever a rotation breaks off, the old key or the new one is in force, and it can be done again (${database.name})`,
    options,
    async () => {
      for (const overlapMs of [0, hourMs]) {
        for (let step = 0, broke = true; broke; step++) {
          const parts = await openParts(database);
          const { id } = await (await parts.start()).credentials.add("groq", secret("old-key-0001"));
          broke = await breakOff(parts, step, (credentials) =>
            credentials.rotate(id, secret("new-key-0002"), { overlapMs }),
          );
          const found = await keyInForce(parts, id);
          assert.match(found, /^sk-canary-(?:old-key-0001|new-key-0002)$/);
          const { credentials } = await parts.start();
          await credentials.loadOverlaps();
          await credentials.rotate(id, secret("last-key-0003"), { overlapMs });
          assert.equal(credentials.overlapOf(id)?.lastFour, overlapMs === 0 ? undefined : found.slice(-4));
          assert.equal(await keyInForce(parts, id), "sk-canary-last-key-0003");
          if (!broke) assert.ok(step >= 4, `${step} places to break off at`);
        }
      }
    },
  );

  test(`wherever a roll-back breaks off, one of the keys is in force (${database.name})`, options, async () => {
    for (let step = 0, broke = true; broke; step++) {
      const parts = await openParts(database);
      const { credentials } = await parts.start();
      const { id } = await credentials.add("groq", secret("old-key-0001"));
      const rotated = await credentials.rotate(id, secret("new-key-0002"), { overlapMs: hourMs });
      const used = await credentials.open(rotated, groqOrigin);
      broke = await breakOff(parts, step, (other) => other.rollBack(id, used, noEvent));
      assert.match(await keyInForce(parts, id), /^sk-canary-(?:old-key-0001|new-key-0002)$/);
      await (await parts.start()).credentials.rollBack(id, used, noEvent);
      assert.equal(await keyInForce(parts, id), "sk-canary-old-key-0001");
    }
  });

  test(`a row that was cut short shows the right key once that was opened (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { id } = await (await parts.start()).credentials.add("groq", secret("old-key-0001"));
    await parts.vault.put({ type: "credential", id, field: "value" }, secret("new-key-0002"), [groqOrigin]);
    const { credentials } = await parts.start();
    await credentials.open(credentials.get(id), groqOrigin);
    while (credentials.get(id).lastFour !== "0002") await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await parts.start()).credentials.get(id).lastFour, "0002");
  });

  test(`two changes of a credential at once do not undo each other (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { credentials } = await parts.start();
    const { id } = await credentials.add("groq", secret("old-key-0001"));
    await Promise.all([
      credentials.update(id, { label: "ours", weight: 5, priority: 3 }),
      credentials.recordTest(id, { ok: true }),
      credentials.rotate(id, secret("new-key-0002")),
    ]);
    const { label, weight, priority, lastFour } = (await parts.start()).credentials.get(id);
    assert.deepEqual([label, weight, priority, lastFour], ["ours", 5, 3, "0002"]);
  });
}

/** Runs it on a process of its own whose write number `step` fails, before or after it was done. Whether that came. */
async function breakOff(
  { db, clock, vault }: TestParts,
  step: number,
  work: (credentials: Awaited<ReturnType<TestParts["start"]>>["credentials"]) => Promise<unknown>,
): Promise<boolean> {
  let writes = -1;
  const killed = new Error("killed");
  const guarded = <Args extends unknown[], Result>(write: (...args: Args) => Promise<Result>) => {
    return async (...args: Args): Promise<Result> => {
      writes += 2;
      if (writes === step + 1) throw killed;
      const result = await write(...args);
      if (writes === step) throw killed;
      return result;
    };
  };
  const breaking: Pick<Vault, "sealed" | "put" | "get" | "cached" | "list" | "remove" | "forget"> = {
    sealed: false,
    get: (ref, origin) => vault.get(ref, origin),
    cached: (ref, origin) => vault.cached(ref, origin),
    forget: (ref) => vault.forget(ref),
    list: (type) => vault.list(type),
    put: guarded((ref, value, origins) => vault.put(ref, value, origins)),
    remove: guarded((ref) => vault.remove(ref)),
  };
  const { credentials } = await createProviders({
    db,
    clock,
    vault: breaking,
    predefined: predefinedProviders,
    declared: { file: "portcullis.yaml", providers: [] },
    environment: new Map<string, Secret>(),
    sources: sourcesOf(new Map()),
  });
  try {
    await work(credentials);
    return step < writes + 1;
  } catch (error) {
    if (error !== killed) throw error;
    return true;
  }
}
