import assert from "node:assert/strict";
import test from "node:test";
import { recognisedSecrets, type NamedSecret } from "@portcullis/contract";
import { problemOf, type Answers } from "../test/admin-server.ts";
import { enter, run, runAgainst } from "../test/terminal.ts";

const secret: NamedSecret = {
  name: "openai_api_key",
  version: 2,
  updated_at: "2026-01-31T08:00:00.000Z",
  environment: ["OPENAI_API_KEY"],
};
const inVault: Answers = {
  secrets: { reveal: async ({ params }) => ({ name: params.name, value: "sk-vault-canary" }) },
};
const failing = (code: Parameters<typeof problemOf>[0]): Answers => ({
  secrets: { reveal: () => Promise.reject(problemOf(code)) },
});

test("a secret is piped in, typed unseen, or taken from a variable, and never shown", async (context) => {
  const answers: Answers = { secrets: { put: async () => secret } };
  const argv = ["secrets", "set", "openai_api_key"];
  const results = [
    await runAgainst(context, answers, argv, { stdin: "sk-canary\n" }),
    await runAgainst(context, answers, argv, {
      terminal: { replies: [["value of openai_api_key", `sk-canary${enter}`]] },
    }),
    await runAgainst(context, answers, [...argv, "--from-env", "MINE"], { environment: { MINE: "sk-canary" } }),
  ];
  for (const { code, stdout, stderr, calls } of results) {
    assert.equal(code, 0, stderr);
    assert.deepEqual([calls[0]?.params, calls[0]?.input], [{ name: "openai_api_key" }, { value: "sk-canary" }]);
    assert.doesNotMatch(stdout + stderr, /canary/);
  }
});

test("a secret on the command line is refused without being repeated", async (context) => {
  const { code, stdout, stderr, calls } = await runAgainst(context, {}, ["secrets", "set", "mine", "sk-canary"]);
  assert.equal(code, 2);
  assert.doesNotMatch(stdout + stderr, /canary/);
  assert.deepEqual(calls, []);
});

test("the vault's value is printed as it is, and --json says where it comes from", async (context) => {
  const environment = { OPENAI_API_KEY: "sk-other" };
  const plain = await runAgainst(context, inVault, ["secrets", "get", "openai_api_key"], { environment });
  assert.deepEqual([plain.code, plain.stdout, plain.stderr], [0, "sk-vault-canary\n", ""]);
  const json = await runAgainst(context, inVault, ["secrets", "get", "openai_api_key", "--json"], { environment });
  assert.deepEqual(JSON.parse(json.stdout), {
    name: "openai_api_key",
    value: "sk-vault-canary",
    source: "vault",
    variable: null,
    vault_problem: null,
  });
});

test("a secret of several lines comes out as it went in", async (context) => {
  const value = "-----BEGIN KEY-----\nabc\u202e\n-----END KEY-----\n";
  const answers: Answers = { secrets: { reveal: async () => ({ name: "cert", value }) } };
  assert.equal((await runAgainst(context, answers, ["secrets", "get", "cert"])).stdout, value);
});

test("where the vault has none, the environment is asked by the rules for names", async (context) => {
  const environment = { OPENAI_API_KEY: "sk-canary", HF_TOKEN: "hf-canary" };
  for (const [name, variable, value] of [
    ["openai_api_key", "OPENAI_API_KEY", "sk-canary"],
    ["openai-api-key", "OPENAI_API_KEY", "sk-canary"],
    ["openai.api.key", "OPENAI_API_KEY", "sk-canary"],
    ["huggingface_token", "HF_TOKEN", "hf-canary"],
  ] as const) {
    const argv = ["secrets", "get", name, "--json"];
    const { code, stdout, stderr } = await runAgainst(context, failing("not_found"), argv, { environment });
    assert.deepEqual([code, stderr], [0, ""]);
    assert.deepEqual(JSON.parse(stdout), { name, value, source: "environment", variable, vault_problem: null });
  }
});

test("a value from the environment is never passed off for the vault's, when the vault could not be asked", async (context) => {
  const environment = { OPENAI_API_KEY: "sk-canary" };
  const argv = ["secrets", "get", "openai_api_key"];
  for (const code of ["reveal_disabled", "vault_sealed", "admin_required"] as const) {
    const result = await runAgainst(context, failing(code), argv, { environment });
    assert.deepEqual([result.code, result.stdout], [0, "sk-canary\n"]);
    assert.match(result.stderr, /^this is from OPENAI_API_KEY; the vault could not be asked: ./, code);
    const json = await runAgainst(context, failing(code), [...argv, "--json"], { environment });
    assert.equal(JSON.parse(json.stdout).vault_problem, code);
  }
});

test("what cannot be had ends with the exit code of its cause", async (context) => {
  const argv = ["secrets", "get", "openai_api_key"];
  const codes = await Promise.all(
    (["not_found", "reveal_disabled", "reveal_not_local", "admin_required", "vault_sealed"] as const).map(
      async (code) => (await runAgainst(context, failing(code), argv)).code,
    ),
  );
  assert.deepEqual(codes, [3, 4, 4, 4, 1]);
  const dead = { environment: { PORTCULLIS_URL: "http://127.0.0.1:1" } };
  assert.equal((await run(argv, dead)).code, 5);
  assert.equal((await run(["secrets", "list"], dead)).code, 5);
  const wrong = await runAgainst(context, inVault, ["secrets", "get", "OPENAI_API_KEY"]);
  assert.deepEqual([wrong.code, wrong.calls], [2, []]);
  const missing = await runAgainst(context, failing("not_found"), argv);
  assert.match(missing.stderr, /looked in the vault and in OPENAI_API_KEY\nerror: there is no secret `openai_api_key`/);
});

test("the list shows names, versions and variables; all pages of it", async (context) => {
  const second = { ...secret, name: "zz" };
  const answers: Answers = {
    secrets: {
      list: async ({ query }) =>
        query.cursor === undefined
          ? { data: [secret], next_cursor: "openai_api_key" }
          : { data: [second], next_cursor: null },
    },
  };
  const { code, stdout } = await runAgainst(context, answers, ["secrets", "list", "--json"]);
  assert.deepEqual([code, JSON.parse(stdout)], [0, { data: [secret, second], next_cursor: null }]);
  const table = await runAgainst(context, answers, ["secrets", "list"]);
  assert.match(table.stdout, /openai_api_key +2 +.*OPENAI_API_KEY/);
});

test("the recognised names are listed with their variables", async (context) => {
  const data = recognisedSecrets.map(({ name, environment }) => ({ name, environment: [...environment] }));
  const answers: Answers = { secrets: { names: async () => ({ data }) } };
  const { stdout } = await runAgainst(context, answers, ["secrets", "list", "--recognised"]);
  assert.match(stdout, /groq_api_key +GROQ_API_KEY/);
});

test("deleting asks first", async (context) => {
  const answers: Answers = { secrets: { remove: async () => undefined } };
  const argv = ["secrets", "delete", "openai_api_key"];
  const unsaid = await runAgainst(context, answers, argv);
  assert.deepEqual([unsaid.code, unsaid.calls], [2, []]);
  const said = await runAgainst(context, answers, [...argv, "--yes"]);
  assert.deepEqual([said.code, said.calls[0]?.name], [0, "secrets.remove"]);
  const gone = await runAgainst(context, { secrets: { remove: () => Promise.reject(problemOf("not_found")) } }, [
    ...argv,
    "--yes",
  ]);
  assert.equal(gone.code, 3);
});
