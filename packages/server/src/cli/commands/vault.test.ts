import assert from "node:assert/strict";
import test from "node:test";
import type { VaultSlot, VaultStatus } from "@portcullis/contract";
import { enter, runAgainst } from "../test/terminal.ts";

const slot: VaultSlot = { id: "slot_1", kind: "passphrase", label: "office", created_at: "2026-01-31T08:00:00.000Z" };
const unsealed: VaultStatus = {
  state: "unsealed",
  slots: 1,
  records: 3,
  store: "database",
  kek_term: 2,
  rotation: null,
  staged_slots: null,
};
const sealed: VaultStatus = { ...unsealed, state: "sealed" };
const answers = {
  vault: {
    status: async () => sealed,
    seal: async () => sealed,
    unseal: async () => unsealed,
    listSlots: async () => ({ data: [slot], next_cursor: null }),
    addSlot: async () => slot,
    removeSlot: async () => undefined,
  },
};

test("the vault's state is shown", async (context) => {
  const { stdout } = await runAgainst(context, answers, ["vault", "status"]);
  assert.equal(stdout, "vault         sealed\nunlock slots  1\nvalues        3, in the database\nkek term      2\n");
  const rotating: VaultStatus = {
    ...unsealed,
    store: "file",
    rotation: { kind: "kek", done: 40, total: 100, since: slot.created_at, problem: "the disk is full" },
    staged_slots: [slot],
  };
  const during = { vault: { ...answers.vault, status: async () => rotating } };
  assert.equal(
    (await runAgainst(context, during, ["vault", "status"])).stdout,
    [
      "vault            unsealed",
      "unlock slots     1",
      "values           3, in vault.json",
      "kek term         2",
      "rotation         40 of 100 values; held up: the disk is full",
      "staged root key  1 slots, to be confirmed",
      "",
    ].join("\n"),
  );
});

test("sealing asks first: it stops every request", async (context) => {
  assert.equal((await runAgainst(context, answers, ["vault", "seal"])).code, 2);
  assert.equal((await runAgainst(context, answers, ["vault", "seal", "--yes"])).code, 0);
});

test("the vault is unsealed by a passphrase, the root key, or what needs nobody", async (context) => {
  const unseal = async (argv: readonly string[], options: object) => {
    const { code, stdout, stderr, calls } = await runAgainst(context, answers, ["vault", "unseal", ...argv], options);
    assert.doesNotMatch(stdout + stderr, /canary/);
    return [code, calls[0]?.input];
  };
  assert.deepEqual(await unseal([], { stdin: "canary phrase\n" }), [0, { passphrase: "canary phrase" }]);
  assert.deepEqual(await unseal([], { terminal: { replies: [["passphrase", `canary${enter}`]] } }), [
    0,
    { passphrase: "canary" },
  ]);
  assert.deepEqual(await unseal(["--root-key", "--from-env", "K"], { environment: { K: "canary" } }), [
    0,
    { root_key: "canary" },
  ]);
  assert.deepEqual(await unseal(["--auto"], {}), [0, {}]);
  assert.deepEqual(await unseal(["--auto", "--root-key"], {}), [2, undefined]);
});

test("slots are listed, added and removed", async (context) => {
  assert.match((await runAgainst(context, answers, ["vault", "slots", "list"])).stdout, /slot_1 +passphrase +office/);
  const added = await runAgainst(context, answers, ["vault", "slots", "add", "passphrase", "--label", "office"], {
    stdin: "correct horse battery",
  });
  assert.deepEqual(added.calls[0]?.input, { kind: "passphrase", label: "office", passphrase: "correct horse battery" });
  const file = await runAgainst(context, answers, ["vault", "slots", "add", "key-file"]);
  assert.deepEqual(file.calls[0]?.input, { kind: "key-file" });
  for (const kind of ["key-ring", "transit", "aws-kms"]) {
    const { calls } = await runAgainst(context, answers, ["vault", "slots", "add", kind, "--label", "spare"]);
    assert.deepEqual(calls[0]?.input, { kind, label: "spare" });
  }
  const key = Buffer.alloc(32, 7).toString("base64");
  const environment = await runAgainst(context, answers, ["vault", "slots", "add", "environment", "--from-env", "K"], {
    environment: { K: key },
  });
  assert.deepEqual(environment.calls[0]?.input, { kind: "environment", root_key: key });
  assert.equal((await runAgainst(context, answers, ["vault", "slots", "add", "key-ring", "--from-env", "K"])).code, 2);
  assert.equal((await runAgainst(context, answers, ["vault", "slots", "add", "magic"])).code, 2);
  assert.equal((await runAgainst(context, answers, ["vault", "slots", "remove", "slot_1"])).code, 2);
  assert.equal((await runAgainst(context, answers, ["vault", "slots", "remove", "slot_1", "--yes"])).code, 0);
});

test("a new passphrase is typed twice, and a slip is noticed", async (context) => {
  const add = (second: string) =>
    runAgainst(context, answers, ["vault", "slots", "add", "passphrase"], {
      terminal: {
        replies: [
          ["new passphrase", `correct horse battery${enter}`],
          ["the same again", second + enter],
        ],
      },
    });
  assert.equal((await add("correct horse battery")).calls.length, 1);
  const slip = await add("correct horse buttery");
  assert.deepEqual([slip.code, slip.calls.length], [2, 0]);
});
