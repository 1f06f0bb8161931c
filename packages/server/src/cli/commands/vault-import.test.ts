import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import test, { type TestContext } from "node:test";
import type { ImportItem, ImportReport } from "@portcullis/contract";
import { AppError } from "../../kernel/errors.ts";
import { fernet, fixturePath, fixtureText, sqliteFile, temporaryFile, temporaryPath } from "../import/test/fixtures.ts";
import { problemOf, type Answers } from "../test/admin-server.ts";
import { enter, runAgainst, type RunOptions } from "../test/terminal.ts";

const names = { dialects: [], providers: [], keyVariables: ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GROQ_API_KEY"] };
type Result = ImportReport["items"][number];

/** A gateway that takes everything, but what `refuse` speaks of. */
function gateway(refuse: (item: ImportItem) => Partial<Result> = () => ({})): Answers {
  return {
    imports: {
      run: async ({ input }) => {
        const items = input.items.map((item, index): Result => {
          const made = item.kind === "key" && !input.dry_run ? { key: `pc_new_${index}` } : {};
          const fixed = {
            kind: item.kind,
            name: item.kind,
            outcome: "imported",
            target: `id_${index}`,
            reason: null,
          } as const;
          return { ...fixed, ...made, ...refuse(item) };
        });
        return { dry_run: input.dry_run, items, imported: items.length, present: 0, skipped: 0, failed: 0 };
      },
    },
  };
}

function importSource(context: TestContext, argv: readonly string[], options: RunOptions = {}, answers = gateway()) {
  return runAgainst(context, answers, ["vault", "import", ...argv], { ...options, parts: { configNames: names } });
}

test("a report says of each thing what became of it, and never a value", async (context) => {
  const { code, stdout, stderr } = await importSource(context, [fixturePath("settings.env")]);
  assert.equal(code, 1, "some of it failed");
  assert.match(stdout, /^AT\s+WHAT\s+NAME\s+OUTCOME\s+WHY\n/);
  assert.match(stdout, /line 2\s+credential\s+credential\s+imported/);
  assert.match(stdout, /line 21\s+variable\s+line 21\s+failed\s+this is no NAME=value/);
  assert.match(stdout, /\ndotenv: 3 imported, 0 present, 8 skipped, 3 failed\n$/);
  assert.doesNotMatch(stdout + stderr, /canary/);
});

test("a dry run says so, and asks the gateway for no more than that", async (context) => {
  const { code, stdout, calls } = await importSource(context, [fixturePath("litellm.yaml"), "--dry-run"]);
  assert.equal(code, 1);
  assert.match(stdout, /would import/);
  assert.match(stdout, /\(dry run\)\n$/);
  assert.deepEqual(
    calls.map(({ input }) => (input as { dry_run: boolean }).dry_run),
    [true],
  );
});

test("--json gives the report as data", async (context) => {
  const { stdout } = await importSource(context, [temporaryFile("one.env", "OPENAI_API_KEY=sk-canary"), "--json"]);
  assert.deepEqual(JSON.parse(stdout), {
    source: temporaryPath("one.env"),
    kind: "dotenv",
    dry_run: false,
    imported: 1,
    present: 0,
    skipped: 0,
    failed: 0,
    items: [
      { place: "line 1", kind: "credential", name: "credential", outcome: "imported", target: "id_0", reason: null },
    ],
  });
});

test("what the API would refuse fails alone, at its place, before anything is sent", async (context) => {
  const source = temporaryFile("two.env", "OPENAI_API_KEY='two words canary'\nGROQ_API_KEY=gsk_fine");
  const { code, stdout, calls } = await importSource(context, [source]);
  assert.equal(code, 1);
  assert.match(stdout, /line 1\s+credential\s+OPENAI_API_KEY\s+failed\s+`value` must be printable ASCII/);
  assert.match(stdout, /line 2\s+credential\s+credential\s+imported/);
  assert.equal(calls.length, 1);
  assert.doesNotMatch(stdout, /canary/);
});

test("new keys of callers are written to a file of one's own, and nowhere else", async (context) => {
  const file = temporaryPath("new-keys.jsonl");
  const { code, stdout, stderr } = await importSource(context, [fixturePath("keys.json"), "--keys-to", file]);
  assert.equal(code, 1, "one record cannot be read");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const written = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  assert.equal(written.length, 4);
  assert.deepEqual(written[0], {
    id: "id_0",
    key: "pc_new_0",
    place: "entry 1",
    user: "ada",
    service: "chat",
    description: "Ada's laptop",
    source_sha256: "3d183c717866dbf5c387b58be3fb55fe0246575a3797193df05aa0e10e87d915",
  });
  assert.doesNotMatch(stdout + stderr, /pc_new|canary/);
  assert.match(stderr, /cannot be shown again/);
});

test("without a new file for them, no key is made at all", async (context) => {
  const there = temporaryFile("there.jsonl", "mine");
  for (const argv of [[], ["--keys-to", there], ["--keys-to", "/nonexistent/keys.jsonl"]]) {
    const { code, calls } = await importSource(context, [fixturePath("keys.json"), ...argv]);
    assert.notEqual(code, 0);
    assert.equal(calls.length, 0);
  }
  assert.equal(readFileSync(there, "utf8"), "mine");
  const dry = await importSource(context, [fixturePath("keys.json"), "--dry-run"]);
  assert.equal(dry.calls.length, 1, "a dry run needs none");
});

test("a file for keys that stays empty is not left behind", async (context) => {
  const file = temporaryPath("none.jsonl");
  const present = gateway(({ kind }) => (kind === "key" ? { outcome: "present", key: undefined } : {}));
  await importSource(context, [fixturePath("keys.json"), "--keys-to", file], {}, present);
  assert.equal(existsSync(file), false);
});

test("what was done before the gateway failed is told, and its keys are kept", async (context) => {
  const list = Array.from({ length: 150 }, (_, index) => ({ key: `old-${index}`, user: `u${index}`, service: "s" }));
  const source = temporaryFile("many.json", JSON.stringify(list));
  const file = temporaryPath("part.jsonl");
  let calls = 0;
  const whole = gateway();
  const failing: Answers = {
    imports: {
      run: async (request, call) => {
        calls += 1;
        if (calls > 1) throw problemOf("vault_sealed");
        return whole.imports?.run?.(request, call) ?? Promise.reject(new AppError("internal"));
      },
    },
  };
  const { code, stdout, stderr } = await importSource(context, [source, "--keys-to", file], {}, failing);
  assert.equal(code, 1);
  assert.match(stderr, /sealed/);
  assert.match(stdout, /50 imported/);
  assert.equal(readFileSync(file, "utf8").trim().split("\n").length, 50);
});

test("the Fernet key comes from a file, a variable, a pipe or a prompt, and never shows", async (context) => {
  const source = temporaryFile("secrets.enc", fernet.whole_file);
  const keyFile = temporaryFile("secrets.key", `${fernet.key}\n`);
  const ways: readonly (readonly [string[], RunOptions])[] = [
    [["--unlock", keyFile], {}],
    [["--from-env", "THE_KEY"], { environment: { THE_KEY: fernet.key } }],
    [[], { stdin: `${fernet.key}\n` }],
    [[], { terminal: { replies: [["Fernet key", `${fernet.key}${enter}`]] } }],
  ];
  for (const [argv, options] of ways) {
    const { code, stdout, stderr, calls } = await importSource(context, [source, ...argv], options);
    assert.equal(code, 0, stderr);
    assert.equal((calls[0]?.input as { items: unknown[] } | undefined)?.items.length, 2);
    assert.ok(!(stdout + stderr).includes(fernet.key));
    assert.doesNotMatch(stdout + stderr, /sk-ant-fernet|hush/);
  }
  const wrong = await importSource(context, [source], { stdin: "not a key" });
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /no Fernet key/);
});

test("the environment is a source, and one-api's database is one", async (context) => {
  const environment = { OPENAI_API_KEY: "sk-canary" };
  assert.match((await importSource(context, ["env"], { environment })).stdout, /env: 1 imported/);
  const database = sqliteFile("command.db", fixtureText("one-api.sql"));
  const { stdout, stderr } = await importSource(context, [database, "--keys-to", temporaryPath("command.jsonl")]);
  assert.match(stdout, /one-api: \d+ imported/);
  assert.doesNotMatch(stdout + stderr, /canary/i);
});

test("a key in the place of a name is not repeated", async (context) => {
  const key = "sk-proj-0123456789abcdefghij";
  const content = { Providers: [{ name: key, api_base_url: "nowhere" }] };
  const source = temporaryFile("odd.json", JSON.stringify(content));
  for (const argv of [[], ["--json"]]) {
    const { stdout, stderr } = await importSource(context, [source, ...argv]);
    assert.match(stdout, /\[redacted\]/);
    assert.ok(!(stdout + stderr).includes(key));
  }
});

test("an unreadable source and a wrong command line have exit codes of their own", async (context) => {
  writeFileSync(temporaryPath("prose"), "prose");
  assert.equal((await importSource(context, [temporaryPath("prose")])).code, 1);
  assert.equal((await importSource(context, [temporaryPath("missing")])).code, 1);
  assert.equal((await importSource(context, ["env", "--kind", "colour"])).code, 2);
  assert.equal((await importSource(context, ["env", "--table", "t"])).code, 2);
});
