import assert from "node:assert/strict";
import test from "node:test";
import type { BackupCommands, RestoreGiven } from "../index.ts";
import { enter, run } from "../test/terminal.ts";

const report = {
  header: { made_at: "2026-01-31T08:00:00.000Z", product: "1.2.3", schema: 6, engine: "sqlite" },
  rows: { keys: 2, requests: 40 },
  vault: { opened: 3, unreadable: ["secret/x/value"], keptSlots: ["passphrase"], droppedSlots: ["key-file"] },
  newSlot: "key-ring",
  target: "/srv/portcullis/portcullis.db",
};

/** Backups that come from nowhere and go nowhere, and what was asked of them. */
function recorded() {
  const given: (RestoreGiven & { readonly answer: string | undefined })[] = [];
  const backups: BackupCommands = {
    save: () => Promise.reject(new Error("not in this test")),
    recipients: () => Promise.resolve([]),
    async restore(asked) {
      const answer = asked.identityFile === undefined ? await asked.passphrase() : undefined;
      given.push({ ...asked, answer });
      return report;
    },
  };
  return { given, parts: { backups: () => backups } };
}

test("a restore tells what came of it, and which secrets do not open", async () => {
  const { parts } = recorded();
  const { code, stdout } = await run(["vault", "restore", "b.age", "--identity", "key.txt"], { parts });
  assert.equal(code, 0);
  assert.match(stdout, /^made +2026-01-31T08:00:00\.000Z by Portcullis 1\.2\.3 on sqlite$/m);
  assert.match(stdout, /^rows +42 in 2 tables/m);
  assert.match(stdout, /^secrets that do not open +secret\/x\/value$/m);
  assert.match(stdout, /^unlock slot made +key-ring$/m);
  assert.match(stdout, /^restored to +\/srv\/portcullis\/portcullis\.db$/m);
});

test("the passphrase is asked for once it is needed: at the terminal, from a pipe or a variable, never as an argument", async () => {
  const ways = [
    { stdin: "canary phrase\n" },
    { terminal: { replies: [["passphrase of the backup", `canary phrase${enter}`]] as const } },
  ];
  for (const way of ways) {
    const { given, parts } = recorded();
    const { code, stdout, stderr } = await run(["vault", "restore", "b.age", "--dry-run"], { parts, ...way });
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stdout + stderr, /canary/);
    assert.deepEqual(
      given.map(({ file, dryRun, answer }) => [file, dryRun, answer]),
      [["b.age", true, "canary phrase"]],
    );
    assert.match(stdout, /nowhere: this was a rehearsal/);
  }
  const { given, parts } = recorded();
  const argv = ["vault", "restore", "b.age", "--from-env", "PHRASE"];
  assert.equal((await run(argv, { parts, environment: { PHRASE: "canary" } })).code, 0);
  assert.equal(given[0]?.answer, "canary");
});

test("a new passphrase is typed twice, and a slip makes no backup", async () => {
  const parts = {
    backups: (): BackupCommands => ({
      ...recorded().parts.backups(),
      async save(_file, _options, make) {
        await make();
        throw new Error("it should not have come so far");
      },
    }),
  };
  const replies = [
    ["passphrase of the backup", `canary phrase one${enter}`],
    ["the same again", `canary phrase two${enter}`],
  ] as const;
  const { code, stderr } = await run(["vault", "backup", "b.age"], { parts, terminal: { replies } });
  assert.equal(code, 2);
  assert.match(stderr, /the two differ/);
  const both = ["vault", "backup", "b.age", "--recipient", "age1x", "--from-env", "PHRASE"];
  assert.match((await run(both, { parts })).stderr, /not both/);
});
