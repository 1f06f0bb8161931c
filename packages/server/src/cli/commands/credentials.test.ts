import assert from "node:assert/strict";
import test from "node:test";
import { credential } from "../test/examples.ts";
import { enter, runAgainst } from "../test/terminal.ts";

const create = { credentials: { create: async () => credential } };

test("an API key is piped in, without its line break, and not tested with --no-test", async (context) => {
  const argv = ["credentials", "add", "openai", "--no-test", "--label", "team", "--weight", "3", "--json"];
  const { code, stdout, calls } = await runAgainst(context, create, argv, { stdin: "sk-canary\n" });
  assert.equal(code, 0);
  assert.deepEqual(calls[0]?.input, { provider: "openai", value: "sk-canary", label: "team", weight: 3, test: false });
  const printed = JSON.parse(stdout);
  assert.deepEqual([printed.id, printed.provider, printed.label], ["cred_1", "openai", "default"]);
});

test("an API key is tested unless said otherwise", async (context) => {
  const { calls } = await runAgainst(context, create, ["credentials", "add", "openai"], { stdin: "sk-canary" });
  assert.deepEqual(calls[0]?.input, { provider: "openai", value: "sk-canary", test: true });
});

test("an API key comes from a named variable, or from a prompt that does not show it", async (context) => {
  const named = await runAgainst(context, create, ["credentials", "add", "openai", "--from-env", "MY_KEY"], {
    environment: { MY_KEY: "sk-canary" },
  });
  const typed = await runAgainst(context, create, ["credentials", "add", "openai"], {
    terminal: { replies: [["API key of openai", `sk-canary${enter}`]] },
  });
  for (const { code, stdout, stderr, calls } of [named, typed]) {
    assert.equal(code, 0);
    assert.deepEqual(calls[0]?.input, { provider: "openai", value: "sk-canary", test: true });
    assert.doesNotMatch(stdout + stderr, /canary/);
  }
});

test("an API key on the command line is refused without being repeated", async (context) => {
  for (const argv of [
    ["openai", "sk-canary"],
    ["openai", "--value", "sk-canary"],
    ["openai", "--value=sk-canary"],
  ]) {
    const { code, stdout, stderr, calls } = await runAgainst(context, create, ["credentials", "add", ...argv]);
    assert.equal(code, 2, argv.join(" "));
    assert.doesNotMatch(stdout + stderr, /canary/, argv.join(" "));
    assert.deepEqual(calls, []);
  }
});

test("no API key at all, or one without end, is said so", async (context) => {
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ stdin: "" }, /error: no API key of openai was given on standard input\nhint: pipe it in/],
    [{ stdin: "x".repeat(70_000) }, /error: the API key of openai on standard input is too long/],
  ];
  for (const [options, message] of cases) {
    const { code, stderr } = await runAgainst(context, create, ["credentials", "add", "openai"], options);
    assert.equal(code, 2);
    assert.match(stderr, message);
  }
  const unset = await runAgainst(context, create, ["credentials", "add", "openai", "--from-env", "NO_SUCH"]);
  assert.equal(unset.code, 2);
  assert.match(unset.stderr, /NO_SUCH is not set/);
});

test("an expiry is a duration or a time", async (context) => {
  const add = (expires: string) =>
    runAgainst(context, create, ["credentials", "add", "openai", "--expires", expires], { stdin: "sk" });
  const common = { provider: "openai", value: "sk", test: true };
  assert.deepEqual((await add("30d")).calls[0]?.input, { ...common, expires_in: "30d" });
  assert.deepEqual((await add("2027-01-31")).calls[0]?.input, { ...common, expires_at: "2027-01-31T00:00:00.000Z" });
  assert.equal((await add("next year")).code, 2);
});

test("a failing test is a failure", async (context) => {
  const answers = {
    credentials: { test: async () => ({ ok: false, latency_ms: 12, models: 0, error: "the key is not accepted" }) },
  };
  const { code, stdout } = await runAgainst(context, answers, ["credentials", "test", "cred_1"]);
  assert.equal(code, 1);
  assert.equal(stdout, "cred_1 failed: the key is not accepted\n");
});

test("list, disable, enable and remove reach the gateway", async (context) => {
  const answers = {
    credentials: {
      list: async () => ({ data: [{ ...credential, test_ok: true }], next_cursor: null }),
      disable: async () => credential,
      enable: async () => credential,
      remove: async () => undefined,
    },
  };
  const listed = await runAgainst(context, answers, ["credentials", "list", "--provider", "openai"]);
  assert.match(listed.stdout, /cred_1 +openai +default +…4242 +usable +ok/);
  assert.deepEqual(listed.calls[0]?.query, { limit: 500, provider: "openai" });
  for (const argv of [
    ["disable", "cred_1"],
    ["enable", "cred_1"],
    ["remove", "cred_1", "--yes"],
  ] as const) {
    const { code, calls } = await runAgainst(context, answers, ["credentials", ...argv]);
    assert.deepEqual([code, calls[0]?.name, calls[0]?.params], [0, `credentials.${argv[0]}`, { id: "cred_1" }]);
  }
});
