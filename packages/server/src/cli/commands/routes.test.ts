import assert from "node:assert/strict";
import test from "node:test";
import type { Route, RouteExplanation } from "@portcullis/contract";
import { runAgainst } from "../test/terminal.ts";

const at = "2026-01-31T08:00:00.000Z";

const route: Route = {
  name: "house",
  targets: ["openai/gpt-5"],
  tiers: null,
  lossy: null,
  display_name: "House",
  source: "stored",
  problem: null,
  created_at: at,
  updated_at: at,
};

const tiered: Route = {
  ...route,
  name: "claude-*",
  targets: null,
  tiers: { reasoning: "openai/gpt-5", completion: "openai/gpt-5-mini", value: null },
  lossy: "deny",
  source: "declared",
  problem: "the route `claude-*` leads to `openai/gpt-5`, and there is no provider `openai`",
};

const explanation: RouteExplanation = {
  model: "claude-opus-4-5",
  route: "claude-*",
  tier: "reasoning",
  target: { provider: "openai", model: "gpt-5" },
  dialect: "anthropic-messages",
  upstream_dialect: "openai-responses",
  translated: true,
  lossy: "allow",
  credential: "cred_1",
  price_micros_per_mtok: { input: 1_250_000, output: 10_000_000 },
  price_micros_per_unit: null,
  losses: null,
  allowed: null,
  problem: null,
};

const answers = {
  routes: {
    list: async () => ({ data: [route, tiered], next_cursor: null }),
    get: async () => tiered,
    set: async () => route,
    remove: async () => undefined,
  },
};

test("`routes set` leads a name to a model, or to a model for each tier", async (context) => {
  const set = (...argv: string[]) => runAgainst(context, answers, ["routes", "set", ...argv, "--json"]);
  const plain = await set("house", "openai/gpt-5", "--lossy", "deny", "--display-name", "House");
  assert.deepEqual([plain.code, JSON.parse(plain.stdout)], [0, route]);
  assert.deepEqual(plain.calls[0]?.params, { name: "house" });
  assert.deepEqual(plain.calls[0]?.input, { target: "openai/gpt-5", lossy: "deny", display_name: "House" });
  const tiers = await set("claude-*", "a/medium", "--tier", "reasoning=a/large", "--tier", "value=b/x=y:z");
  assert.deepEqual(tiers.calls[0]?.params, { name: "claude-*" });
  assert.deepEqual(tiers.calls[0]?.input, {
    tiers: { completion: "a/medium", reasoning: "a/large", value: "b/x=y:z" },
  });
});

test("a tier that there is not, or that is given twice, is a wrong usage and sent to nobody", async (context) => {
  for (const given of ["completion=a/b", "reasoning", "reasoning=", "=a/b", "value=a/b,value=c/d"]) {
    const { code, stderr, calls } = await runAgainst(context, answers, ["routes", "set", "x", "a/b", "--tier", given]);
    assert.equal(code, 2, given);
    assert.match(stderr, /^error: --tier .*\nhint: /, given);
    assert.deepEqual(calls, []);
  }
});

test("`routes list` shows where each leads; what is wrong with one is a remark", async (context) => {
  const { code, stdout, stderr } = await runAgainst(context, answers, ["routes", "list"]);
  assert.equal(code, 0);
  const [heading, first, second] = stdout.split("\n");
  assert.match(heading ?? "", /^NAME +LEADS TO +LOSSY +DISPLAY NAME +SOURCE/);
  assert.match(first ?? "", /^house +openai\/gpt-5 +\S* +House +stored/);
  assert.match(second ?? "", /^claude-\* +openai\/gpt-5-mini, reasoning=openai\/gpt-5 +deny +House +declared/);
  assert.equal(stderr, `${tiered.problem}\n`);
  const json = await runAgainst(context, answers, ["routes", "list", "--json"]);
  assert.deepEqual(JSON.parse(json.stdout), { data: [route, tiered], next_cursor: null });
});

test("`routes show` names the model of each tier", async (context) => {
  const { stdout, calls } = await runAgainst(context, answers, ["routes", "show", "claude-*"]);
  assert.deepEqual(calls[0]?.params, { name: "claude-*" });
  assert.match(stdout, /^reasoning +openai\/gpt-5$/m);
  assert.match(stdout, /^completion +openai\/gpt-5-mini$/m);
});

test("`routes remove` asks on a terminal, and needs --yes elsewhere", async (context) => {
  const refused = await runAgainst(context, answers, ["routes", "remove", "house"]);
  assert.equal(refused.code, 2);
  assert.deepEqual(refused.calls, []);
  const { code, stdout, calls } = await runAgainst(context, answers, ["routes", "remove", "house", "--yes"]);
  assert.deepEqual([code, stdout], [0, "removed house\n"]);
  assert.deepEqual(calls[0]?.params, { name: "house" });
});

test("`routes explain` says where a request would go, in words or as the API has it", async (context) => {
  const explain = (found: RouteExplanation, ...argv: string[]) =>
    runAgainst(context, { routes: { explain: async () => found } }, ["routes", "explain", ...argv]);
  const argv = ["claude-opus-4-5", "--dialect", "anthropic-messages", "--thinking", "--key", "k7f3q"];
  const { code, stdout, calls } = await explain(explanation, ...argv);
  assert.equal(code, 0);
  assert.deepEqual(calls[0]?.input, {
    model: "claude-opus-4-5",
    dialect: "anthropic-messages",
    thinking: true,
    key_id: "k7f3q",
  });
  assert.match(stdout, /^target +openai\/gpt-5$/m);
  assert.match(stdout, /^called +openai-responses \(translated\)$/m);
  assert.match(stdout, /^price +\$1\.25 in, \$10 out, per million tokens$/m);
  const plain = await explain(explanation, "x", "--json");
  assert.deepEqual(JSON.parse(plain.stdout), explanation);
  assert.deepEqual(plain.calls[0]?.input, { model: "x", dialect: "openai-chat", thinking: false });
});

test("`routes explain` fails where the request would, with the caller's own advice", async (context) => {
  const problem = { code: "model_not_allowed", detail: "the key k may not use that", hint: "its models are: gpt-*" };
  const explain = (found: RouteExplanation) =>
    runAgainst(context, { routes: { explain: async () => found } }, ["routes", "explain", "x"]);
  const refused = await explain({ ...explanation, allowed: false, problem });
  assert.equal(refused.code, 4);
  assert.match(refused.stdout, /^allowed +no$/m);
  assert.equal(refused.stderr, `${problem.detail}\n${problem.hint}\n`);
  assert.equal((await explain({ ...explanation, problem: { ...problem, hint: null } })).code, 1);
});
