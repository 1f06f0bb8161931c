import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { mountSmallDisk } from "../../../test/support/small-disk.ts";
import { createPrivateFile, readPrivateFile, writePrivateFile } from "../../home/index.ts";
import { AppError } from "../../kernel/errors.ts";
import { storeConformance } from "./conformance.ts";
import { emptyContent } from "./file-format.ts";
import { createFileStore, type FileStoreParts } from "./file.ts";
import type { MovableStore } from "./movable.ts";
import { everything, plain, record, ref, slot, term, withCode } from "./test-parts.ts";
import { createVaultFile } from "./vault-file.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-vault-file-"));
after(() => rmSync(base, { recursive: true, force: true }));
let count = 0;
const freshPath = (): string => join(mkdtempSync(join(base, `${count++}-`)), "vault.json");

async function fresh(path = freshPath(), access?: FileStoreParts["access"]): Promise<MovableStore> {
  await createVaultFile(path, emptyContent("vault_1"));
  return createFileStore({ path, id: "vault_1", ...(access && { access }) });
}
async function filled(path: string, access?: FileStoreParts["access"]): Promise<MovableStore> {
  const store = await fresh(path, access);
  await store.createFirst(slot("slot_1"), term(1));
  for (const id of ["a", "b", "c"]) await store.put(ref(id), record(1), 1);
  return store;
}
const again = (path: string): MovableStore => createFileStore({ path, id: "vault_1" });
const snapshot = async (store: MovableStore): Promise<unknown> => [
  plain(await store.loadKeys()),
  await everything(store),
];

storeConformance({
  name: "a file",
  skip: undefined,
  async open() {
    const path = freshPath();
    return { store: await fresh(path), reopen: () => Promise.resolve(again(path)) };
  },
});

describe("the vault in a file", () => {
  test("is for its owner alone, and JSON with a line for each thing in it", async () => {
    const path = freshPath();
    await filled(path);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    const text = readFileSync(path, "utf8");
    assert.equal((JSON.parse(text) as { records: unknown[] }).records.length, 3);
    assert.ok(text.split("\n").every((line) => line.split('"wrapped"').length + line.split('"sealed"').length <= 3));
    assert.deepEqual(readdirSync(join(path, "..")), ["vault.json"]);
  });

  test("is read while it is written: readers see the content before, and take nothing back", async () => {
    const later = <Result>(work: Promise<Result>, ms: number): Promise<Result> =>
      new Promise((resolve, reject) => setTimeout(() => void work.then(resolve, reject), ms));
    const store = await filled(freshPath(), {
      read: (path, limitBytes) => later(readPrivateFile(path, limitBytes), 20),
      create: createPrivateFile,
      replace: (path, bytes) => later(Promise.resolve(), 15).then(() => writePrivateFile(path, bytes)),
    });
    for (const id of ["d", "e", "f"]) {
      const before = await store.count();
      const put = store.put(ref(id), record(1), 1);
      await later(Promise.resolve(), 2); // it has begun to write
      assert.equal(await store.count(), before);
      await put;
      await later(Promise.resolve(), 40);
      assert.equal(await store.count(), before + 1);
    }
  });

  test("that is missing, or is another vault's, is refused, and none is made", async () => {
    const path = freshPath();
    const missing = again(path);
    await assert.rejects(missing.loadKeys(), withCode("vault_key_missing"));
    await assert.rejects(missing.createFirst(slot("slot_1"), term(1)), withCode("vault_key_missing"));
    assert.deepEqual(readdirSync(join(path, "..")), []);
    await filled(path);
    const before = readFileSync(path);
    const other = createFileStore({ path, id: "vault_2" });
    await assert.rejects(other.put(ref("a"), record(2), 1), withCode("vault_key_missing"));
    await other.clear("move_1");
    assert.deepEqual(readFileSync(path), before);
  });

  test("cut off at any byte it is refused, and left as it is", async () => {
    const path = freshPath();
    await filled(path);
    const whole = readFileSync(path);
    for (let length = 0; length < whole.length - 1; length++) {
      writeFileSync(path, whole.subarray(0, length));
      await assert.rejects(again(path).put(ref("d"), record(1), 1), withCode("file_unsafe"), `${length} bytes`);
      assert.equal(readFileSync(path).length, length);
    }
  });

  test("edited in its structure it is refused, with what is wrong, and left as it is", async () => {
    const path = freshPath();
    await filled(path);
    const whole = readFileSync(path, "utf8");
    const edits: readonly (readonly [RegExp, (text: string) => string])[] = [
      [/not JSON/, (text) => text.replace('"slots"', "slots")],
      [/"format" is not/, (text) => text.replace("vault 1", "vault 2")],
      [/epoch is not a whole number/, (text) => text.replace('"epoch": 1', '"epoch": -1')],
      [/slots\[0\]\.wrapped is not base64/, (text) => text.replace(/("kind".*"wrapped":")/, "$1?")],
      [/slots is not a list/, (text) => text.replace('"slots": [', '"slots": null, "keys": [')],
      [/terms\[0\]\.created_at/, (text) => text.replace(/("term":1.*"created_at":)1/, "$1null")],
      [/records is not a list/, (text) => text.replace(/"records": \[[^]*\]/, '"records": {}')],
      [/part that this version does not know/, (text) => text.replace('"staged"', '"more": 1, "staged"')],
    ];
    for (const [problem, edit] of edits) {
      const edited = edit(whole);
      assert.notEqual(edited, whole, String(problem));
      writeFileSync(path, edited);
      const refused = (error: unknown): boolean => withCode("file_unsafe")(error) && problem.test(String(error));
      await assert.rejects(again(path).loadKeys(), refused, String(problem));
      await assert.rejects(again(path).put(ref("d"), record(1), 1), refused);
      assert.equal(readFileSync(path, "utf8"), edited);
    }
  });

  test("with one record that cannot be read gives the others, and keeps that one to the letter", async () => {
    const edits: readonly ((line: string) => string)[] = [
      (line) => line.replace(/"sealed":"[^"]*"/, '"sealed":"???"'),
      (line) => line.replace('"version":1,', ""),
      (line) => line.replace('"version":1,', '"version":0,'),
      (line) => line.replace('["o"]', '"o"'),
      (line) => line.replace('"kek_term":1', '"kek_term":"1"'),
    ];
    for (const edit of edits) {
      const path = freshPath();
      await filled(path);
      const line =
        readFileSync(path, "utf8")
          .split("\n")
          .find((each) => each.includes('"b"')) ?? assert.fail();
      const edited = edit(line);
      writeFileSync(path, readFileSync(path, "utf8").replace(line, edited));
      const store = again(path);
      assert.equal(await store.count(), 3);
      assert.deepEqual((await store.find(ref("b")))?.sealed.length, 0);
      await store.put(ref("a"), record(2), 1);
      assert.ok(readFileSync(path, "utf8").includes(edited.replace(/,$/, "")));
      await assert.rejects(store.readKeys(), withCode("file_unsafe"), "it cannot be moved");
      await store.put(ref("b"), record(1), 1);
      assert.deepEqual((await again(path).find(ref("b")))?.sealed.length, 3);
      await store.readKeys();
    }
  });

  test("with a record that names no place, or two for one, gives the others, and loses none of them", async () => {
    const path = freshPath();
    await filled(path);
    const text = readFileSync(path, "utf8").replace('"id":"a"', '"id":7').replace('"id":"b"', '"id":"c"');
    writeFileSync(path, text);
    const store = again(path);
    assert.deepEqual([await store.count(), (await store.find(ref("c")))?.sealed.length], [1, 0]);
    await store.put(ref("d"), record(1), 1);
    const { records } = JSON.parse(readFileSync(path, "utf8")) as { records: { id: unknown }[] };
    assert.deepEqual(records.map(({ id }) => id).sort(), ["c", "c", "d", 7].sort());
    assert.equal(await again(path).createFirst(slot("slot_2"), term(1)), false);
  });

  test("that something else has changed meanwhile is not overwritten", async () => {
    const path = freshPath();
    const store = await filled(path);
    const before = readFileSync(path, "utf8");
    writeFileSync(path, before.replace('"id":"a"', '"id":"z"'));
    await assert.rejects(store.put(ref("b"), record(2), 1), withCode("file_unsafe"));
    assert.ok(readFileSync(path, "utf8").includes('"id":"z"'));
    rmSync(path);
    await assert.rejects(store.put(ref("b"), record(2), 1), withCode("file_unsafe"));
    assert.equal(await store.version(ref("b")), 1);
  });
});

describe("a change of the vault's file that fails", () => {
  const changes: Readonly<Record<string, (store: MovableStore) => Promise<unknown>>> = {
    put: (store) => store.put(ref("a"), record(2), 1),
    remove: (store) => store.remove(ref("a")),
    addSlot: (store) => store.addSlot(slot("slot_2"), 1),
    addTerm: (store) => store.addTerm(term(2), 1, 1),
    stageRoot: (store) => store.stageRoot({ slots: [slot("slot_9")], terms: [term(1, "new")], keys: [] }, 1),
  };

  for (const when of ["before", "after"] as const) {
    test(`${when} it was written leaves memory and file the same, and the next one succeeds`, async () => {
      for (const [name, change] of Object.entries(changes)) {
        const path = freshPath();
        let broken = false;
        const store = await filled(path, {
          read: readPrivateFile,
          create: createPrivateFile,
          async replace(target, bytes) {
            if (broken && when === "before") throw new AppError("file_failed", { path: target });
            await writePrivateFile(target, bytes);
            if (broken) throw new AppError("file_failed", { path: target });
          },
        });
        const before = await snapshot(store);
        broken = true;
        await assert.rejects(change(store), withCode("file_failed"), name);
        broken = false;
        const now = await snapshot(store);
        assert.deepEqual(now, await snapshot(again(path)), name);
        if (when === "before") assert.deepEqual(now, before, name);
        await store.put(ref("d"), record(1), 1);
        assert.equal(await again(path).count(), await store.count());
      }
    });
  }

  test("because the disk is full leaves what was, and works once there is room", async (t) => {
    const disk = mountSmallDisk(t, 64);
    if (disk === undefined) return;
    const path = join(disk.path, "vault.json");
    const store = await filled(path);
    const before = await snapshot(store);
    disk.fill();
    for (const [name, change] of Object.entries(changes)) {
      await assert.rejects(change(store), withCode("file_failed"), name);
      assert.deepEqual(await snapshot(store), before);
      assert.deepEqual(await snapshot(again(path)), before);
    }
    disk.free();
    await store.put(ref("a"), record(2), 1);
    assert.deepEqual([await again(path).version(ref("a")), readdirSync(disk.path)], [2, ["vault.json"]]);
  });
});
