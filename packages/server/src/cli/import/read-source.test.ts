import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, statSync, symlinkSync, truncateSync } from "node:fs";
import test from "node:test";
import { parseFernetKeys } from "./fernet.ts";
import type { SourceKind } from "./finding.ts";
import { readSource, type TokenColumn } from "./read-source.ts";
import {
  context,
  fernet,
  fixturePath,
  fixtureText,
  sqliteFile,
  summarise,
  temporaryFile,
  temporaryPath,
} from "./test/fixtures.ts";

interface Options {
  readonly kind?: SourceKind;
  readonly tokens?: TokenColumn;
  readonly keys?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

function read(source: string, { kind, tokens, keys = fernet.key, environment = {} }: Options = {}) {
  const fernetKeys = async () => parseFernetKeys(keys) ?? [];
  return readSource({ source, kind, tokens, context: { ...context, environment }, fernetKeys });
}

test("what a source is, its content tells", async () => {
  const cases: readonly (readonly [string, SourceKind])[] = [
    [fixturePath("settings.env"), "dotenv"],
    [fixturePath("litellm.yaml"), "litellm"],
    [fixturePath("claude-code-router.json"), "claude-code-router"],
    [fixturePath("keys.json"), "key-file"],
    [sqliteFile("detected.db", fixtureText("one-api.sql")), "one-api"],
    [temporaryFile("secrets.enc", fernet.whole_file), "fernet"],
    [temporaryFile("tokens.json", JSON.stringify({ a: fernet.tokens["older"]?.token })), "fernet"],
    [temporaryFile("with-mark.env", "\uFEFFOPENAI_API_KEY=x"), "dotenv"],
    ["env", "env"],
  ];
  for (const [source, kind] of cases) assert.equal((await read(source)).kind, kind, source);
});

test("the environment gives the providers' keys in it, and nothing else", async () => {
  const environment = { PATH: "/bin", GROQ_API_KEY: "gsk_canary", MY_TOKEN: "other", OPENAI_API_KEY: "" };
  assert.deepEqual(summarise((await read("env", { environment })).findings), [
    "GROQ_API_KEY: credential GROQ_API_KEY gsk_canary",
    "OPENAI_API_KEY: skipped credential OPENAI_API_KEY",
  ]);
});

test("a Fernet file that holds all secrets as one token is taken apart", async () => {
  const source = temporaryFile("all.enc", `${fernet.whole_file}\n`);
  assert.deepEqual(summarise((await read(source)).findings), [
    "anthropic_api_key: credential ANTHROPIC_API_KEY sk-ant-fernet-0123456789",
    "session_secret: secret session_secret hush",
  ]);
  const [finding] = (await read(source, { keys: fernet.other_key })).findings;
  assert.deepEqual(summarise(finding === undefined ? [] : [finding]), ["the file: failed secret all"]);
});

test("of Fernet tokens by name, a bad one fails alone", async () => {
  const tokens = Object.fromEntries(Object.entries(fernet.tokens).map(([name, { token }]) => [name, token]));
  const source = temporaryFile("named.json", JSON.stringify({ ...tokens, cut: tokens["long"]?.slice(0, 400) }));
  assert.deepEqual(
    summarise((await read(source)).findings).filter((line) => !line.startsWith("long")),
    [
      "openai_api_key: credential OPENAI_API_KEY sk-fernet-openai-0123456789",
      "groq-api-key: credential GROQ_API_KEY gsk_fernet_groq_0123456789",
      "Mail Password: secret mail_password päss wörd ✓",
      "empty: skipped secret empty",
      "one_block: secret one_block 0123456789abcdef",
      "at_time_zero: secret at_time_zero made in 1970",
      "older: failed secret older",
      "not_text: failed secret not_text",
      "cut: failed secret cut",
    ],
  );
});

test("Fernet tokens in a column of a SQLite table are read, with names or numbers, text or bytes", async () => {
  const token = fernet.tokens["openai_api_key"]?.token ?? "";
  const hex = Buffer.from(fernet.tokens["one_block"]?.token ?? "").toString("hex");
  const path = sqliteFile(
    "column.db",
    `create table "my secrets" (id integer primary key, title text, "the ""token" blob) ;
     insert into "my secrets" values (1, 'openai.api.key', '${token}'), (2, 'block', x'${hex}'), (3, 'none', null), (4, 'bad', 'gAAAA');`,
  );
  const table = "my secrets";
  const column = 'the "token';
  assert.deepEqual(summarise((await read(path, { tokens: { table, column, nameColumn: "title" } })).findings), [
    "row 1: credential OPENAI_API_KEY sk-fernet-openai-0123456789",
    "row 2: secret block 0123456789abcdef",
    "row 4: failed secret bad",
  ]);
  const unnamed = await read(path, { tokens: { table, column, nameColumn: undefined } });
  assert.equal(summarise(unnamed.findings)[0], "row 1: secret my_secrets_1 sk-fernet-openai-0123456789");
  const wrong = { table: 'x"; drop table "my secrets', column, nameColumn: undefined };
  await assert.rejects(read(path, { tokens: wrong }), /has no table/);
  await assert.rejects(read(path, { tokens: { table, column: "no", nameColumn: undefined } }), /has no column `no`/);
});

test("hostile and mistaken files get a clear error, and nothing of their content is repeated", async () => {
  const link = temporaryPath("link.env");
  symlinkSync(fixturePath("settings.env"), link);
  const pipe = temporaryPath("pipe");
  execFileSync("sh", ["-c", 'mkfifo "$0"', pipe]);
  const huge = temporaryFile("huge.env", "");
  truncateSync(huge, 3 * 1024 ** 3);
  const cases: readonly (readonly [string, RegExp])[] = [
    [temporaryPath("missing"), /there is no such file/],
    [temporaryPath("missing/below"), /no such file|not a directory/],
    [temporaryPath(""), /it is a directory/],
    [link, /it is a symbolic link/],
    [pipe, /not a plain file/],
    [huge, /larger than 4194304 bytes/],
    [temporaryFile("empty", ""), /it is empty/],
    [temporaryFile("binary", Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2])), /not text in UTF-8/],
    [temporaryFile("utf16.env", Buffer.from("\uFEFFOPENAI_API_KEY=canary", "utf16le")), /not text in UTF-8/],
    [temporaryFile("latin1.env", Buffer.from("OPENAI_API_KEY=canaryé", "latin1")), /not text in UTF-8/],
    [temporaryFile("prose.txt", "this canary is only prose"), /of no kind that is known/],
    [temporaryFile("other.json", '{"canary": [1, 2]}'), /of no kind that is known/],
    [temporaryFile("cut.db", "SQLite format 3\0canary"), /damaged, or is not a SQLite database/],
    [temporaryFile("broken.yaml", "model_list: [canary"), /line 1 is not valid YAML/],
    [temporaryFile("many.env", "A_KEY=canary\n".repeat(30_000)), /more than 20000 things/],
  ];
  for (const [source, message] of cases) {
    await assert.rejects(read(source), (error: unknown) => {
      assert.ok(error instanceof Error && "code" in error, source);
      assert.equal(error.code, "import_unreadable", source);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /canary/);
      return true;
    });
  }
});

test("a kind that does not fit is refused", async () => {
  for (const kind of ["litellm", "key-file", "claude-code-router", "one-api", "fernet"] as const) {
    await assert.rejects(read(fixturePath("settings.env"), { kind }), { code: "import_unreadable" }, kind);
  }
});

test("no source is changed by being read", async () => {
  const sources = ["settings.env", "litellm.yaml", "claude-code-router.json", "keys.json"].map((name) =>
    temporaryFile(`copy-${name}`, fixtureText(name)),
  );
  const look = (path: string) => [
    createHash("sha256").update(readFileSync(path)).digest("hex"),
    statSync(path).mtimeMs,
  ];
  for (const source of sources) {
    const before = look(source);
    await read(source);
    assert.deepEqual(look(source), before, source);
  }
});
