import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { RecordRef } from "../store.ts";
import type { MovableStore } from "./movable.ts";
import { everything, namedKey, plain, record, ref, slot, term, withCode } from "./test-parts.ts";

/** What every vault at rest has to do, wherever it lies. Run it over an implementation, which opens a fresh store each time. */
export interface StoreUnderTest {
  readonly name: string;
  readonly skip: string | undefined;
  /** A new, empty store, and a way to open what it holds once more, as after a restart. */
  open(): Promise<{ readonly store: MovableStore; reopen(): Promise<MovableStore> }>;
}

const conflict = withCode("store_conflict");

export function storeConformance(under: StoreUnderTest): void {
  keysConformance(under);
  rootConformance(under);
  recordsConformance(under);
  copyConformance(under);
  rewrappingConformance(under);
}

async function create(under: StoreUnderTest): Promise<Awaited<ReturnType<StoreUnderTest["open"]>>> {
  const opened = await under.open();
  assert.equal(await opened.store.createFirst(slot("slot_1"), term(1)), true);
  return opened;
}

function keysConformance(under: StoreUnderTest): void {
  describe(`the vault's keys in ${under.name}`, { skip: under.skip }, () => {
    test("begin as nothing at all, then a first slot and term together, once", async () => {
      const { store, reopen } = await under.open();
      const nothing = { slots: [], terms: [], keys: [], epoch: 1, staged: undefined };
      assert.deepEqual(plain(await store.loadKeys()), nothing);
      const tries = await Promise.all(["slot_1", "slot_2", "slot_3"].map((id) => store.createFirst(slot(id), term(1))));
      assert.deepEqual(tries.filter(Boolean).length, 1);
      const { slots, terms } = await (await reopen()).loadKeys();
      assert.deepEqual([slots.length, terms.length], [1, 1]);
      assert.equal(await store.createFirst(slot("slot_4"), term(1)), false);
    });

    test("are the same after a restart", async () => {
      const { store, reopen } = await create(under);
      await store.addSlot(slot("slot_2", 2), 1);
      await store.addTerm(term(2), 1, 5);
      await store.addNamedKey(namedKey(1), 1);
      const staged = { slots: [slot("slot_3")], terms: [term(1, "new")], keys: [] };
      await store.stageRoot(staged, 1);
      const expected = {
        slots: [slot("slot_1"), slot("slot_2", 2)],
        terms: [term(1), term(2)],
        keys: [namedKey(1)],
        epoch: 1,
        staged,
      };
      assert.deepEqual(plain(await store.loadKeys()), plain(expected));
      assert.deepEqual(plain(await (await reopen()).loadKeys()), plain(expected));
    });

    test("keep one slot, also when all are removed at once", async () => {
      const { store } = await create(under);
      await assert.rejects(store.removeSlot("slot_9"), withCode("not_found"));
      await assert.rejects(store.removeSlot("slot_1"), withCode("vault_last_slot"));
      await store.addSlot(slot("slot_2"), 1);
      await store.addSlot(slot("slot_3"), 1);
      const removals = await Promise.allSettled(["slot_1", "slot_2", "slot_3"].map((id) => store.removeSlot(id)));
      assert.equal(removals.filter(({ status }) => status === "fulfilled").length, 2);
      assert.equal((await store.loadKeys()).slots.length, 1);
    });

    test("take each term and each version of a key once", async () => {
      const { store } = await create(under);
      const adding = await Promise.allSettled([1, 2].map((n) => store.addTerm(term(2, `try ${n}`), 1, n)));
      assert.equal(adding.filter(({ status }) => status === "fulfilled").length, 1);
      await assert.rejects(store.addTerm(term(1, "other"), 1, 1), conflict);
      await store.addNamedKey(namedKey(1), 1);
      await store.addNamedKey({ ...namedKey(1), purpose: "audit" }, 1);
      await assert.rejects(store.addNamedKey(namedKey(1, "other"), 1), conflict);
      await store.removeNamedKey("token", 1);
      await store.removeNamedKey("token", 9);
      const { keys, terms } = await store.loadKeys();
      assert.deepEqual([keys.map(({ purpose }) => purpose), terms.length], [["audit"], 2]);
      assert.equal(Buffer.from(terms[0]?.wrapped ?? []).toString(), "term 1");
    });
  });
}

function rootConformance(under: StoreUnderTest): void {
  describe(`a new root key in ${under.name}`, { skip: under.skip }, () => {
    const staged = { slots: [slot("slot_9")], terms: [term(1, "new 1")], keys: [] };

    test("counts for nothing while it is staged, and for everything once it is confirmed", async () => {
      const { store, reopen } = await create(under);
      await store.stageRoot({ ...staged, terms: [] }, 1);
      await store.stageRoot(staged, 1);
      const { slots, terms, epoch } = await store.loadKeys();
      assert.deepEqual([slots[0]?.id, Buffer.from(terms[0]?.wrapped ?? []).toString(), epoch], ["slot_1", "term 1", 1]);
      await store.confirmRoot(1);
      const expected = { ...staged, epoch: 2, staged: undefined };
      assert.deepEqual(plain(await store.loadKeys()), plain(expected));
      assert.deepEqual(plain(await (await reopen()).loadKeys()), plain(expected));
    });

    test("is not taken without a slot, nor if it misses a term or a key, or has one more", async () => {
      const { store } = await create(under);
      await store.addNamedKey(namedKey(1), 1);
      const whole = { ...staged, keys: [namedKey(1, "new")] };
      const before = await store.loadKeys();
      await assert.rejects(store.confirmRoot(1), conflict);
      for (const part of [
        { ...whole, slots: [] },
        { ...whole, terms: [] },
        { ...whole, keys: [] },
        { ...whole, terms: [term(1), term(2)] },
        { ...whole, keys: [namedKey(1), namedKey(2)] },
        { ...whole, keys: [{ ...namedKey(1), purpose: "audit" }] },
      ]) {
        await store.stageRoot(part, 1);
        await assert.rejects(store.confirmRoot(1), conflict);
      }
      await store.stageRoot(whole, 1);
      await store.cancelRoot();
      await store.cancelRoot();
      await assert.rejects(store.confirmRoot(1), conflict);
      assert.deepEqual(plain(await store.loadKeys()), plain(before));
    });

    test("once in force, nothing that another wraps is added", async () => {
      const { store } = await create(under);
      await store.stageRoot(staged, 1);
      await store.confirmRoot(1);
      const before = await store.loadKeys();
      await assert.rejects(store.addSlot(slot("slot_5"), 1), conflict);
      await assert.rejects(store.addTerm(term(2), 1, 1), conflict);
      await assert.rejects(store.addNamedKey(namedKey(1), 1), conflict);
      await assert.rejects(store.stageRoot(staged, 1), conflict);
      await assert.rejects(store.confirmRoot(1), conflict);
      assert.deepEqual(plain(await store.loadKeys()), plain(before));
      await store.addSlot(slot("slot_5"), 2);
    });
  });
}

function recordsConformance(under: StoreUnderTest): void {
  describe(`the vault's records in ${under.name}`, { skip: under.skip }, () => {
    test("take each version after the one before, and no other", async () => {
      const { store, reopen } = await create(under);
      const a = ref("a");
      assert.deepEqual([await store.version(a), await store.find(a)], [0, undefined]);
      await assert.rejects(store.put(a, record(2), 1), conflict);
      await store.put(a, record(1), 1);
      for (const version of [1, 3]) await assert.rejects(store.put(a, record(version), 2), conflict);
      const second = await Promise.allSettled([1, 2, 3].map(() => store.put(a, record(2), 3)));
      assert.equal(second.filter(({ status }) => status === "fulfilled").length, 1);
      for (const each of [store, await reopen()]) {
        assert.equal(await each.version(a), 2);
        const stored = await each.find(a);
        assert.deepEqual({ ...stored, sealed: Buffer.from(stored?.sealed ?? []) }, record(2));
      }
      assert.deepEqual([await store.remove(a), await store.remove(a)], [true, false]);
      await assert.rejects(store.put(a, record(3), 4), conflict);
      assert.equal(await (await reopen()).count(), 0);
    });

    test("keep types, ids and fields apart", async () => {
      const { store } = await create(under);
      const a = ref("a");
      const others: readonly RecordRef[] = [{ ...a, type: "credential" }, ref("b"), { ...a, field: "other" }];
      for (const each of [a, ...others]) await store.put(each, record(1), 1);
      await store.put(a, record(2), 2);
      for (const each of others) assert.equal(await store.version(each), 1);
      await store.remove(a);
      assert.equal(await store.count(), 3);
    });

    test("are listed by type and in order, without their bytes", async () => {
      const { store } = await create(under);
      for (const id of ["b", "a", "ä", "c"]) await store.put(ref(id), record(1), 9);
      await store.put({ ...ref("a"), field: "other" }, record(1), 9);
      await store.put({ ...ref("a"), type: "credential" }, record(1), 9);
      const listed = await store.list("secret");
      assert.deepEqual(
        listed.map(({ id, field }) => `${id}/${field}`),
        ["a/other", "a/value", "b/value", "c/value", "ä/value"],
      );
      assert.deepEqual(listed[0], {
        ...ref("a"),
        field: "other",
        version: 1,
        term: 1,
        origins: ["o"],
        updatedAt: 9,
      });
    });
  });
}

function rewrappingConformance(under: StoreUnderTest): void {
  describe(`the vault's old terms in ${under.name}`, { skip: under.skip }, () => {
    test("let go of a term once no record is under it, and never of the newest", async () => {
      const { store } = await create(under);
      for (const number of [2, 3]) await store.addTerm(term(number), 1, 1);
      await store.put(ref("a"), record(1, 2), 1);
      assert.deepEqual(await store.removeUnusedTerms(3), [1]);
      assert.deepEqual(await store.removeUnusedTerms(3), []);
      await assert.rejects(store.put(ref("b"), record(1, 1), 1), conflict);
      await store.remove(ref("a"));
      assert.deepEqual(await store.removeUnusedTerms(3), [2]);
      assert.deepEqual(
        (await store.loadKeys()).terms.map((each) => each.term),
        [3],
      );
    });

    test("are left by records that are unchanged, and not by those that are not", async () => {
      const { store, reopen } = await create(under);
      for (const id of ["a", "b", "c", "d"]) await store.put(ref(id), record(1), 1);
      await store.addTerm(term(2), 1, 1);
      assert.deepEqual([await store.countBelow(2), await store.countBelow(1)], [4, 0]);
      const found = await store.someBelow(2, 3);
      assert.equal(found.length, 3);
      const others = await store.someBelow(2, 3, 3);
      assert.deepEqual([...found, ...others].map(({ id }) => id).toSorted(), ["a", "b", "c", "d"]);
      assert.deepEqual(await store.someBelow(2, 3, 4), []);
      await store.put(ref("a"), record(2, 2), 2);
      await store.remove(ref("b"));
      const sealed = Buffer.from("re-wrapped");
      const rewrapped = ["a", "b", "c"].map((id) => ({ ref: ref(id), version: 1, oldTerm: 1, newTerm: 2, sealed }));
      assert.equal(await store.rewrap(rewrapped), 1);
      assert.equal(await store.rewrap(rewrapped), 0);
      const left = await store.someBelow(2, 10);
      assert.deepEqual(
        left.map(({ id, version, term: under1 }) => [id, version, under1]),
        [["d", 1, 1]],
      );
      const c = await (await reopen()).find(ref("c"));
      assert.deepEqual([c?.version, c?.term, Buffer.from(c?.sealed ?? []).toString()], [1, 2, "re-wrapped"]);
      const none = ["d"].map((id) => ({ ref: ref(id), version: 1, oldTerm: 1, newTerm: 3, sealed }));
      await assert.rejects(store.rewrap(none), conflict);
      assert.equal(await store.countBelow(2), 1);
    });
  });
}

function copyConformance(under: StoreUnderTest): void {
  describe(`all of the vault in ${under.name}`, { skip: under.skip }, () => {
    test("is given for a copy, each record once, in pieces", async () => {
      const { store, reopen } = await create(under);
      const ids = Array.from({ length: 130 }, (_, index) => `id ${index}`);
      for (const id of ids) await store.put({ ...ref(id), type: "credential" }, record(1), 4);
      const pieces: number[] = [];
      for await (const piece of store.all()) pieces.push(piece.length);
      assert.ok(pieces.length > 1 && pieces.every((size) => size > 0 && size < 130), String(pieces));
      const found = await everything(store);
      assert.equal(new Set(found).size, 130);
      assert.deepEqual(await everything(await reopen()), found);
    });

    test("keeps a first slot and term out, also when records are all that is left", async () => {
      const { store } = await create(under);
      await store.put(ref("a"), record(1), 1);
      assert.equal(await store.createFirst(slot("slot_2"), term(1)), false);
    });
  });
}
