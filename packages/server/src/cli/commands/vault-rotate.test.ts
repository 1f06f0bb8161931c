import assert from "node:assert/strict";
import test from "node:test";
import type { VaultSlot, VaultStatus } from "@portcullis/contract";
import { runAgainst } from "../test/terminal.ts";

const slots: readonly VaultSlot[] = [
  { id: "slot_1", kind: "key-file", label: "auto", created_at: "2026-01-31T08:00:00.000Z" },
  { id: "slot_2", kind: "passphrase", label: "office", created_at: "2026-01-31T08:00:00.000Z" },
];
const status: VaultStatus = {
  state: "unsealed",
  slots: 2,
  records: 3,
  store: "database",
  kek_term: 2,
  rotation: null,
  staged_slots: null,
};

function gateway(present: VaultStatus = status) {
  return {
    vault: {
      status: async () => present,
      listSlots: async () => ({ data: [...slots], next_cursor: null }),
      rotate: async () => present,
      stageRoot: async () => ({ ...present, staged_slots: [...slots] }),
      confirmRoot: async () => present,
      cancelRoot: async () => undefined,
      move: async () => ({ store: "file" as const, records: 3 }),
    },
  };
}

test("rotating asks first, and says which key", async (context) => {
  assert.equal((await runAgainst(context, gateway(), ["vault", "rotate", "kek"])).code, 2);
  for (const kind of ["kek", "token"]) {
    const { code, calls } = await runAgainst(context, gateway(), ["vault", "rotate", kind, "--yes"]);
    assert.deepEqual([code, calls[0]?.input], [0, { kind }]);
  }
  assert.equal((await runAgainst(context, gateway(), ["vault", "rotate", "sun", "--yes"])).code, 2);
});

test("it waits until every value has followed, or something holds that up", async (context) => {
  const rotation = { kind: "kek", done: 1, total: 3, since: "2026-01-31T08:00:00.000Z", problem: null } as const;
  const answers = [{ ...status, rotation }, { ...status, rotation: { ...rotation, done: 2 } }, status];
  const waiting = gateway();
  waiting.vault.status = async () => answers.shift() ?? status;
  const { stdout } = await runAgainst(context, waiting, ["vault", "rotate", "kek", "--yes", "--wait"]);
  assert.equal(answers.length, 0);
  assert.doesNotMatch(stdout, /rotation/);
  const held = gateway({ ...status, rotation: { ...rotation, problem: "the disk is full" } });
  assert.match(
    (await runAgainst(context, held, ["vault", "rotate", "kek", "--yes", "--wait"])).stdout,
    /the disk is full/,
  );
});

test("a new root key takes the passphrase of each slot that has one, or leaves the slot out", async (context) => {
  const staged = await runAgainst(context, gateway(), ["vault", "rotate", "root", "--yes"], { stdin: "canary phrase" });
  assert.deepEqual(staged.calls.at(-1)?.input, { secrets: { slot_2: { passphrase: "canary phrase" } }, drop: [] });
  assert.match(staged.stdout, /staged root key {2}2 slots, to be confirmed/);
  assert.doesNotMatch(staged.stdout + staged.stderr, /canary/);
  const dropped = await runAgainst(context, gateway(), ["vault", "rotate", "root", "--yes", "--drop", "slot_2"]);
  assert.deepEqual(dropped.calls.at(-1)?.input, { secrets: {}, drop: ["slot_2"] });
});

test("a staged root key is confirmed or given up; somebody's passphrase is asked for only if no slot opens without", async (context) => {
  const both = gateway({ ...status, staged_slots: [...slots] });
  const confirmed = await runAgainst(context, both, ["vault", "rotate", "root", "--confirm", "--yes"]);
  assert.deepEqual(confirmed.calls.at(-1)?.input, { secrets: {} });
  const alone = gateway({ ...status, staged_slots: slots.slice(1) });
  const asked = await runAgainst(context, alone, ["vault", "rotate", "root", "--confirm", "--yes", "--from-env", "P"], {
    environment: { P: "canary phrase" },
  });
  assert.deepEqual(asked.calls.at(-1)?.input, { secrets: { slot_2: { passphrase: "canary phrase" } } });
  assert.equal((await runAgainst(context, both, ["vault", "rotate", "root", "--cancel"])).code, 0);
  assert.equal((await runAgainst(context, both, ["vault", "rotate", "root", "--cancel", "--confirm"])).code, 2);
});

test("the vault is moved to where it is told", async (context) => {
  const moved = await runAgainst(context, gateway(), ["vault", "move", "file", "--yes"]);
  assert.deepEqual([moved.code, moved.calls[0]?.input], [0, { to: "file" }]);
  assert.equal(moved.stdout, "3 values now lie in the file\n");
  assert.equal((await runAgainst(context, gateway(), ["vault", "move", "attic", "--yes"])).code, 2);
});
