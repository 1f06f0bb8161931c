import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import { firstSlot } from "./first-slot.ts";
import { discardUnstored, unlockerForSlot, unwrapRootKey, type OpeningOptions } from "./opening.ts";
import type { StoredKeys, StoredSlot } from "./store.ts";
import type { KeyRing, SlotKind, Unlocker, WrappedKey } from "./unlockers/index.ts";
import { explainUnopened } from "./unopened.ts";

const slot = (id: string, kind: SlotKind): WrappedKey => ({ id, kind, params: "{}", wrapped: new Uint8Array(98) });
const away = new AppError("vault_unlocker_unavailable", { problem: "it is away", advice: "wait" });

/** An unlocker that opens these slots, and tells which it was asked about. */
function scripted(kind: SlotKind, opens: readonly string[], asked: string[], error?: Error): Unlocker {
  return {
    kind,
    wrap: () => assert.fail("nothing is wrapped here"),
    unwrap({ id }) {
      asked.push(id);
      if (error !== undefined) return Promise.reject(error);
      return Promise.resolve(opens.includes(id) ? Buffer.from(`root of ${id}`) : undefined);
    },
    discard: () => Promise.resolve(),
  };
}

describe("opening", () => {
  test("a passphrase is tried on every slot, whichever it opens, or none: the work is the same", async () => {
    const slots = ["one", "two", "three"].map((id) => slot(id, "passphrase"));
    for (const opens of ["one", "two", "three", "none"]) {
      const asked: string[] = [];
      const { opened } = await unwrapRootKey([scripted("passphrase", [opens], asked)], slots);
      assert.deepEqual(asked, ["one", "two", "three"], opens);
      assert.equal(opened?.slot.id, opens === "none" ? undefined : opens);
    }
  });

  test("of several that a passphrase opens, the first counts, and the others' keys are wiped", async () => {
    const given: Buffer[] = [];
    const unlocker: Unlocker = {
      ...scripted("passphrase", [], []),
      unwrap: () => {
        given.push(Buffer.from("root"));
        return Promise.resolve(given.at(-1));
      },
    };
    const { opened } = await unwrapRootKey([unlocker], [slot("one", "passphrase"), slot("two", "passphrase")]);
    assert.equal(opened?.rootKey.toString(), "root");
    assert.deepEqual(given[1], Buffer.alloc(4));
  });

  test("a service that is away is asked once, not for each slot, and the others are tried all the same", async () => {
    const asked: string[] = [];
    const slots = [slot("t1", "transit"), slot("t2", "transit"), slot("k", "aws-kms")];
    const unlockers = [scripted("transit", [], asked, away), scripted("aws-kms", ["k"], asked)];
    const { opened, unavailable } = await unwrapRootKey(unlockers, slots);
    assert.deepEqual(asked, ["t1", "k"]);
    assert.equal(opened?.slot.id, "k");
    assert.equal(unavailable.get("transit"), away);
  });

  test("a key file that is not to be trusted ends it, whatever else could open", async () => {
    const unsafe = new AppError("file_unsafe", {
      path: "root.key",
      problem: "has mode 0644",
      fix: "chmod 600 root.key",
    });
    const unlockers = [scripted("key-file", [], [], unsafe), scripted("passphrase", ["p"], [])];
    await assert.rejects(unwrapRootKey(unlockers, [slot("f", "key-file"), slot("p", "passphrase")]), unsafe);
  });
});

const options: OpeningOptions = { unlocker: "auto", keyFile: "/nonexistent/root.key" };
const ring: KeyRing = {
  absence: undefined,
  probe: () => Promise.resolve(),
  read: () => Promise.resolve(undefined),
  write: () => Promise.resolve(),
  delete: () => Promise.resolve(),
};

describe("slots whose storing failed", () => {
  const made = [slot("in", "key-ring"), slot("staged", "key-ring"), slot("lost", "key-ring")].map((each, index) => ({
    ...each,
    params: JSON.stringify({ account: `vault-${String(index).repeat(32)}` }),
  }));
  const [stored, staged] = made as unknown as [StoredSlot, StoredSlot];
  const found: StoredKeys = {
    slots: [stored],
    terms: [],
    keys: [],
    epoch: 1,
    staged: { slots: [staged], terms: [], keys: [] },
  };

  async function discarded(loadKeys: () => Promise<StoredKeys>): Promise<readonly string[]> {
    const accounts: string[] = [];
    const keyRing: KeyRing = { ...ring, delete: (account) => Promise.resolve(void accounts.push(account)) };
    await discardUnstored(made, { loadKeys }, { ...options, keyRing });
    return accounts;
  }

  test("leave nothing in the key ring, unless they were stored all the same", async () => {
    assert.deepEqual(await discarded(() => Promise.resolve(found)), [`vault-${"2".repeat(32)}`]);
  });

  test("keep their keys while nobody can tell", async () => {
    assert.deepEqual(await discarded(() => Promise.reject(new AppError("database_unavailable"))), []);
  });
});

describe("a vault that did not open", () => {
  const explain = (slots: readonly WrappedKey[], given: Partial<OpeningOptions> = {}, problems: SlotKind[] = []) =>
    explainUnopened({
      options: { ...options, ...given },
      slots,
      unavailable: new Map(problems.map((kind) => [kind, away])),
    });

  test("waits for a service and goes on asking; for a key ring it waits without asking", async () => {
    for (const [kind, tryAgain] of [
      ["transit", true],
      ["aws-kms", true],
      ["key-ring", false],
    ] as const) {
      assert.deepEqual(await explain([slot("s", kind)], {}, [kind]), { problem: away, tryAgain }, kind);
    }
  });

  test("is refused if the key ring or the service answered, and that its key is not there or is another", async () => {
    const client = { call: () => assert.fail("it is not asked again") };
    const cases: readonly [SlotKind, Partial<OpeningOptions>, RegExp][] = [
      ["key-ring", { keyRing: ring }, /but the key ring has no entry that opens it$/],
      ["key-ring", {}, /but no key ring is looked for$/],
      ["transit", { transit: { client, mount: "transit", key: "k" } }, /but the Transit key transit\/k is not the one/],
      ["transit", {}, /but `vault\.transit` is not set$/],
      ["aws-kms", { awsKms: { client, keyId: "alias/k" } }, /but the KMS key alias\/k is not the one/],
      ["aws-kms", {}, /but `vault\.aws_kms` is not set$/],
    ];
    for (const [kind, given, message] of cases) {
      const { end } = await explain([slot("s", kind)], given);
      assert.equal(end?.code, "vault_key_missing");
      assert.match(end.message, message);
      assert.match(end.hint ?? "", /no new one is made for existing data$/);
    }
  });

  test("with slots of unknown kinds alone says that it knows none", async () => {
    assert.match((await explain([])).end?.message ?? "", /no unlock slot that is known here/);
  });
});

describe("a first slot", () => {
  const passphrase = new Secret("correct horse battery staple");
  const client = { call: () => assert.fail("nothing is asked to choose") };

  test("is made with what is given, in a fixed order", async () => {
    const transit = { client, mount: "transit", key: "k" };
    const awsKms = { client, keyId: "alias/k" };
    const environmentKey = new Secret(Buffer.alloc(32, 1).toString("base64"));
    const everything = { ...options, environmentKey, passphrase, transit, awsKms, keyRing: ring };
    const order: string[] = [];
    for (const without of [{}, { environmentKey: undefined }, { passphrase: undefined }, { transit: undefined }]) {
      Object.assign(everything, without);
      order.push((await firstSlot(everything)).unlocker.kind);
    }
    assert.deepEqual(order, ["environment", "passphrase", "transit", "aws-kms"]);
    const { unlocker, why } = await firstSlot({ ...everything, awsKms: undefined });
    assert.deepEqual([unlocker.kind, why], ["key-ring", "the key ring of the operating system works"]);
  });

  test("is not made with the key ring unless that works, and not if a key file is meant", async () => {
    let probes = 0;
    const counting: KeyRing = { ...ring, probe: () => Promise.resolve(void probes++) };
    const meant = { ...options, keyRing: counting, keyFileChosen: true };
    await assert.rejects(firstSlot(meant), { code: "file_failed" }); // it would be made where nothing can be made
    assert.equal(probes, 0);
    const locked: KeyRing = { ...ring, probe: () => Promise.reject(away) };
    await assert.rejects(firstSlot({ ...options, keyRing: locked }), { code: "file_failed" });
    const broken = new TypeError("a mistake of ours");
    await assert.rejects(firstSlot({ ...options, keyRing: { ...ring, probe: () => Promise.reject(broken) } }), broken);
  });

  test("of a stated kind that is not configured is refused in words", async () => {
    for (const unlocker of ["key-ring", "transit", "aws-kms"] as const) {
      await assert.rejects(firstSlot({ ...options, unlocker }), { code: "config_invalid" });
      await assert.rejects(unlockerForSlot(unlocker, {}, options), { code: "config_invalid" });
    }
  });
});
