import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { databases } from "../../../test/support/databases.ts";
import { systemClock } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import type { Log } from "../../kernel/log.ts";
import type { Db } from "../../db/index.ts";
import { openRecord, sealRecord } from "../envelope.ts";
import { holdKeys, type HeldKeys } from "../held-keys.ts";
import { keyCopy, keySizeBytes, systemRandom } from "../key-material.ts";
import { openKeyring, wrapNewTerm } from "../keyring.ts";
import type { StoredRecord, VaultStore } from "../store.ts";
import { createDatabaseStore } from "../stores/database.ts";
import { openVaultStore } from "../stores/open.ts";
import type { Rest } from "./pace.ts";
import { createRewrapping, type Rewrapping } from "./rewrapping.ts";
import { startRewrapThread, type RewrapThread } from "./rewrap-thread.ts";
import { freshHome, origin, refOf, valueOf } from "./test-parts.ts";

/* Rotations that a second thread takes part in: the first rest waits until it has. */

const count = 600;

type Start = typeof startRewrapThread;

interface Stage {
  readonly store: VaultStore;
  readonly keys: HeldKeys;
  /** The threads that were started, and how many slices each has answered. */
  readonly threads: readonly { readonly thread: RewrapThread; readonly answered: number }[];
  /** What was warned of. */
  readonly warnings: readonly string[];
  rewrapping(parts?: { readonly store?: VaultStore; readonly start?: Start; readonly rest?: Rest }): Rewrapping;
}

/** A vault of two terms whose records are all under the first, and what a rotation needs. */
async function staged(database: VaultStore, move: () => Promise<VaultStore> = async () => database): Promise<Stage> {
  const rootKey = systemRandom(keySizeBytes);
  const slot = { id: "slot_1", kind: "environment", label: "", params: "{}", wrapped: Buffer.from("-"), createdAt: 1 };
  const first = wrapNewTerm(rootKey, 1);
  assert.ok(await database.createFirst({ ...slot, kind: "environment" }, first));
  const ring = openKeyring(keyCopy(rootKey), [first]);
  for (let index = 0; index < count; index++) await database.put(refOf(index), recordAt(index, ring.kek(1)), 1);
  await database.addTerm(ring.newTerm(2), 1, 1);
  const store = await move();
  const stored = await store.loadKeys();
  const keys = holdKeys(store, () => Promise.resolve(undefined));
  keys.install(openKeyring(rootKey, stored.terms, stored.keys, stored.epoch));

  const threads: { thread: RewrapThread; answered: number }[] = [];
  const warnings: string[] = [];
  const log = { info: () => undefined, warn: (_: object, text: string) => void warnings.push(text) } as unknown as Log;
  const counting: Start = (...given) => {
    const thread = startRewrapThread(...given);
    const entry = { thread, answered: 0 };
    threads.push(entry);
    const rewrap: RewrapThread["rewrap"] = async (records) => {
      const answer = await thread.rewrap(records);
      entry.answered++;
      return answer;
    };
    return new Proxy(thread, {
      get: (target, name) => {
        if (name === "rewrap") return rewrap;
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
  /** The first slice is stored, and then the thread has the time that it takes to start. */
  const restUntilAnswered: Rest = async () => {
    const last = threads.at(-1);
    while (last !== undefined && !last.thread.ended && last.answered === 0) await turn();
  };
  return {
    store,
    keys,
    threads,
    warnings,
    rewrapping: ({ store: other = store, start = counting, rest = restUntilAnswered } = {}) =>
      createRewrapping({
        store: other,
        keys,
        clock: systemClock,
        log,
        rest,
        startThread: start,
        threadedFrom: count / 2,
      }),
  };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

function recordAt(index: number, kek: Uint8Array | undefined): StoredRecord {
  const place = { ...refOf(index), version: 1, term: 1, origins: [origin] };
  return { ...place, sealed: sealRecord(kek ?? assert.fail(), place, Buffer.from(valueOf(index))) };
}

async function valuesOf({ store, keys }: Stage): Promise<readonly string[]> {
  const values: string[] = [];
  for await (const piece of store.all()) {
    for (const record of piece) {
      const kek = keys.ring().kek(record.term) ?? assert.fail(`${record.id} is under a term that is no more`);
      values.push(openRecord(kek, record, record.sealed)?.toString() ?? `${record.id} does not open`);
    }
  }
  return values.toSorted();
}

const all = Array.from({ length: count }, (_, index) => valueOf(index)).toSorted();

async function assertComplete(stage: Stage): Promise<void> {
  assert.deepEqual(await valuesOf(stage), all);
  assert.equal(await stage.store.countBelow(2), 0);
  assert.deepEqual(stage.keys.ring().terms, [2]);
}

function assertWiped({ threads }: Stage): void {
  assert.ok(threads.length > 0);
  for (const { thread } of threads) {
    assert.ok(thread.ended);
    assert.deepEqual(Buffer.from(thread.keys.memory, 8), Buffer.alloc(2 * keySizeBytes));
  }
}

/** The store with another `rewrap`. */
function storeWith(store: VaultStore, rewrap: VaultStore["rewrap"]): VaultStore {
  return new Proxy(store, { get: (target, name) => (name === "rewrap" ? rewrap : Reflect.get(target, name)) });
}

const places = [
  ...databases.map(({ name, skip, open }) => ({
    name: `on ${name}`,
    skip,
    create: async () => staged(createDatabaseStore(await open())),
  })),
  {
    name: "in a file",
    skip: undefined,
    create: async () => {
      const [sqlite] = databases as [(typeof databases)[number]];
      const db: Db = await sqlite.open();
      const parts = { db, home: freshHome(), clock: systemClock, wanted: "database" } as const;
      const { store, move } = await openVaultStore(parts);
      return staged(store, async () => {
        await move("file");
        return store;
      });
    },
  },
];

for (const place of places) {
  describe(`re-wrapping ${count} records in two threads ${place.name}`, { skip: place.skip }, () => {
    test("takes every record over, ends the thread, and wipes what it had", async () => {
      const stage = await place.create();
      const rewrapping = stage.rewrapping();
      rewrapping.begin();
      await rewrapping.settled();
      assert.ok((stage.threads[0]?.answered ?? 0) > 0, "the thread took part");
      assert.equal(stage.threads.length, 1);
      assert.equal(rewrapping.status(), null);
      assert.deepEqual(stage.warnings, []);
      await assertComplete(stage);
      assertWiped(stage);
    });

    test("leaves the records that do not open as they are, says which, and takes all others over", async () => {
      const stage = await place.create();
      const damaged = [5, 300, 599].map(refOf);
      for (const ref of damaged) {
        const record = (await stage.store.find(ref)) ?? assert.fail();
        const sealed = record.sealed.with(70, (record.sealed[70] ?? 0) ^ 1);
        await stage.store.put(ref, { ...record, version: 2, sealed }, 2);
      }
      const rewrapping = stage.rewrapping();
      rewrapping.begin();
      await rewrapping.settled();
      const { problem, done, total } = rewrapping.status() ?? assert.fail();
      for (const { id } of damaged) assert.match(problem ?? "", new RegExp(`credential/${id}/value`));
      assert.deepEqual([done, total], [count, count]);
      assert.equal(await stage.store.countBelow(2), damaged.length);
      assert.deepEqual(stage.keys.ring().terms, [1, 2]);
      const values = await valuesOf(stage);
      assert.equal(values.filter((value) => value.endsWith("does not open")).length, damaged.length);
      assertWiped(stage);
    });

    test("sealed in the middle, it has no key from that moment on and stores nothing more; later it goes on", async () => {
      const stage = await place.create();
      const first: Rewrapping = stage.rewrapping({
        store: storeWith(stage.store, async (records) => {
          const stored = await stage.store.rewrap(records);
          if ((stage.threads[0]?.answered ?? 0) > 0) {
            first.stop();
            assertWiped(stage);
          }
          return stored;
        }),
      });
      first.begin();
      await first.settled();
      const left = await stage.store.countBelow(2);
      assert.ok(left > 0 && left < count, `${left} are left`);
      for (let turns = 0; turns < 50; turns++) await turn();
      assert.equal(await stage.store.countBelow(2), left);
      assert.equal(first.status(), null);
      const second = stage.rewrapping();
      second.begin();
      await second.settled();
      await assertComplete(stage);
    });

    test("goes on alone after the thread has died, and without one that cannot be started", async () => {
      const stage = await place.create();
      const dying: Start = (keks, newTerm, told) => {
        const thread = startRewrapThread(keks, newTerm, told);
        const broken = { ...refOf(0), version: 1, term: 1, sealed: new Uint8Array(), origins: null as never };
        void thread.rewrap([broken]).catch(() => undefined); // what it dies of
        return thread;
      };
      const first = stage.rewrapping({ start: dying, rest: turn });
      first.begin();
      await first.settled();
      await assertComplete(stage);
      const refused = await place.create();
      const second = refused.rewrapping({
        start: () => {
          throw new Error("no more threads");
        },
      });
      second.begin();
      await second.settled();
      await assertComplete(refused);
      for (const { warnings } of [stage, refused]) {
        assert.ok(warnings.length <= 1);
        for (const text of warnings) assert.match(text, /goes on without it/);
      }
      assert.equal(refused.warnings.length, 1);
    });

    test("a store that fails leaves no thread behind, and what was under way is done again", async () => {
      const stage = await place.create();
      const failures = ["before it has stored them", "afterwards"];
      let calls = 0;
      const failing = storeWith(stage.store, async (records) => {
        calls++;
        if (calls === 2) throw new AppError("database_unavailable");
        const stored = await stage.store.rewrap(records);
        if (calls === 3) throw new AppError("database_unavailable");
        return stored;
      });
      const rewrapping = stage.rewrapping({ store: failing });
      for (const at of failures) {
        rewrapping.begin();
        await rewrapping.settled();
        assert.match(rewrapping.status()?.problem ?? "", /database/, at);
        assertWiped(stage);
      }
      rewrapping.begin();
      await rewrapping.settled();
      await assertComplete(stage);
      rewrapping.stop();
    });
  });
}
