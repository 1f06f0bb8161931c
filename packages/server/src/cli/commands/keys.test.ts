import assert from "node:assert/strict";
import test from "node:test";
import { issuedKey, key } from "../test/examples.ts";
import { down, enter, run, runAgainst } from "../test/terminal.ts";

const create = { keys: { create: async () => issuedKey } };

test("`keys create --json` prints the key once, on standard output alone", async (context) => {
  const argv = [
    "keys",
    "create",
    "--description",
    "x",
    "--models",
    "claude-*, gpt-5*",
    "--allow-ip",
    "10.0.0.0/8",
    "--allow-ip",
    "::1",
    "--expires",
    "30d",
    "--json",
  ];
  const { code, stdout, stderr, calls } = await runAgainst(context, create, argv);
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(stdout), issuedKey);
  assert.doesNotMatch(stderr, /pc_/);
  assert.deepEqual(calls[0]?.input, {
    description: "x",
    models: ["claude-*", "gpt-5*"],
    allow_ip: ["10.0.0.0/8", "::1"],
    expires_in: "30d",
    admin: false,
  });
  assert.equal(calls[0]?.authorization, "Bearer pca_from_the_file");
});

test("without options, and with nobody to ask, `keys create` makes a plain key", async (context) => {
  const { code, stdout, calls } = await runAgainst(context, create, ["keys", "create"]);
  assert.equal(code, 0);
  assert.match(stdout, /^key {2,}pc_k7f3q_secret_crc\n/);
  assert.deepEqual(calls[0]?.input, { admin: false });
});

test("without options, on a terminal, `keys create` asks", async (context) => {
  const { code, calls } = await runAgainst(context, create, ["keys", "create"], {
    terminal: {
      replies: [
        ["who is it for", `ada${enter}`],
        ["which program", enter],
        ["which models", `claude-*, gpt-5${enter}`],
        ["how long", down + enter],
      ],
    },
  });
  assert.equal(code, 0);
  assert.deepEqual(calls[0]?.input, { user: "ada", models: ["claude-*", "gpt-5"], expires_in: "90d", admin: false });
});

test("giving up a question makes nothing, and is no success", async (context) => {
  const { code, stderr, calls } = await runAgainst(context, create, ["keys", "create"], {
    terminal: { replies: [["who is it for", "\u0003"]] },
  });
  assert.equal(code, 1);
  assert.match(stderr, /error: cancelled\n$/);
  assert.deepEqual(calls, []);
});

test("a list is read over all its pages: a table on a terminal, the API's own objects with --json", async (context) => {
  const answers = {
    keys: {
      list: async ({ query }: { query: { cursor?: string | undefined } }) =>
        query.cursor === undefined
          ? { data: [key], next_cursor: "2" }
          : { data: [{ ...key, id: "second", user: "\u001b[31mred" }], next_cursor: null },
    },
  };
  const table = await runAgainst(context, answers, ["keys", "list"], { terminal: { columns: 70 } });
  const lines = table.stdout.trimEnd().split("\n");
  assert.equal(lines.length, 3);
  assert.match(lines[0] ?? "", /^ID +KIND +USER/);
  for (const line of lines) assert.ok(line.length <= 70, line);
  assert.ok(!table.stdout.includes("\u001b"));
  const json = await runAgainst(context, answers, ["keys", "list", "--json"]);
  assert.deepEqual(
    JSON.parse(json.stdout).data.map(({ id }: { id: string }) => id),
    ["k7f3q", "second"],
  );
});

test("show, disable, enable and rotate name the key in the path", async (context) => {
  const answers = {
    keys: { get: async () => key, disable: async () => key, enable: async () => key, rotate: async () => issuedKey },
  };
  for (const [argv, name, input] of [
    [["show", "a/b"], "keys.get", undefined],
    [["disable", "a/b"], "keys.disable", undefined],
    [["enable", "a/b"], "keys.enable", undefined],
    [["rotate", "a/b", "--overlap", "1h"], "keys.rotate", { overlap: "1h" }],
  ] as const) {
    const { code, calls } = await runAgainst(context, answers, ["keys", ...argv]);
    assert.equal(code, 0);
    assert.deepEqual([calls[0]?.name, calls[0]?.params, calls[0]?.input], [name, { id: "a/b" }, input]);
  }
});

test("deleting asks on a terminal, and needs --yes elsewhere", async (context) => {
  const answers = { keys: { remove: async () => undefined } };
  const argv = ["keys", "delete", "k7f3q"];
  const nobody = await runAgainst(context, answers, argv);
  assert.equal(nobody.code, 2);
  assert.match(nobody.stderr, /hint: add --yes/);
  const no = await runAgainst(context, answers, argv, { terminal: { replies: [["delete the key", enter]] } });
  assert.equal(no.code, 1);
  assert.deepEqual([...nobody.calls, ...no.calls], []);
  const yes = await runAgainst(context, answers, argv, { terminal: { replies: [["delete the key", "y"]] } });
  const flagged = await runAgainst(context, answers, [...argv, "--yes"]);
  for (const done of [yes, flagged]) assert.deepEqual([done.code, done.calls[0]?.name], [0, "keys.remove"]);
});

test("`keys validate` reads the key from standard input or a prompt, and its exit code is the answer", async (context) => {
  const valid = { keys: { validate: async () => ({ valid: true, id: "k7f3q" }) } };
  const expired = { keys: { validate: async () => ({ valid: false, id: "k7f3q", reason: "key_expired" }) } };
  const piped = await runAgainst(context, valid, ["keys", "validate"], { stdin: "pc_x\n" });
  assert.deepEqual([piped.code, piped.calls[0]?.input, piped.stdout], [0, { key: "pc_x" }, "the key k7f3q is valid\n"]);
  const typed = await runAgainst(context, expired, ["keys", "validate"], {
    terminal: { replies: [["key", `pc_typed${enter}`]] },
  });
  assert.deepEqual([typed.code, typed.calls[0]?.input], [4, { key: "pc_typed" }]);
  assert.match(typed.stdout, /not valid: key_expired/);
  assert.doesNotMatch(typed.stderr, /pc_typed/, "what is typed is not shown");
  assert.equal((await run(["keys", "validate", "pc_x"])).code, 2);
});
