import assert from "node:assert/strict";
import test from "node:test";
import { requestRow, usageRow } from "../test/examples.ts";
import { runAgainst } from "../test/terminal.ts";

const sums = (...rows: readonly (typeof usageRow)[]) => ({
  usage: { sum: async () => ({ data: [...rows], since: null, until: null }) },
});

test("usage is summed by model over the last day unless said otherwise", async (context) => {
  const { stdout, calls } = await runAgainst(context, sums(usageRow), ["usage"]);
  assert.deepEqual(calls[0]?.query, { by: "model", since: "24h" });
  assert.match(stdout, /MODEL +REQUESTS +ERRORS +INPUT +OUTPUT +CACHE READ +CACHE WRITE +COST\n/);
  assert.match(stdout, /gpt-5 +3 +1 +1000 +200 +0 +0 +\$0\.0123\n/);
  const other = await runAgainst(context, sums(), ["usage", "--by", "user", "--since", "2026-01-01", "--team", "core"]);
  assert.deepEqual(other.calls[0]?.query, { by: "user", since: "2026-01-01", team: "core" });
});

test("requests without a price are shown beside the cost, never in it", async (context) => {
  const rows = [
    { ...usageRow, unpriced_requests: 2 },
    { ...usageRow, cost_usd: 0, unpriced_requests: 3 },
  ];
  const { stdout } = await runAgainst(context, sums(...rows), ["usage"]);
  assert.match(stdout, /COST +UNPRICED\n[^\n]*\$0\.0123 +2\n[^\n]* - +3\n$/);
});

test("`--json` prints the API's own object, `--csv` a file that no spreadsheet runs", async (context) => {
  const row = { ...usageRow, user: '=HYPERLINK("http://evil")', model: undefined };
  const json = await runAgainst(context, sums(usageRow), ["usage", "--json"]);
  assert.deepEqual(JSON.parse(json.stdout), { data: [usageRow], since: null, until: null });
  const csv = await runAgainst(context, sums(row), ["usage", "--by", "user", "--csv"]);
  assert.equal(
    csv.stdout,
    "user,requests,errors,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,reasoning_tokens,cost_usd,unpriced_requests," +
      "input_audio_tokens,output_audio_tokens,input_image_tokens,output_image_tokens,images,characters,audio_ms,searches\r\n" +
      `"'=HYPERLINK(""http://evil"")",3,1,1000,200,0,0,0,0.0123,0,0,0,0,0,0,0,0,0\r\n`,
  );
});

test("single requests are listed, newest first, as many as asked for", async (context) => {
  const answers = { requests: { list: async () => ({ data: [requestRow, requestRow], next_cursor: "more" }) } };
  const { stdout, calls } = await runAgainst(context, answers, [
    "usage",
    "--requests",
    "--limit",
    "2",
    "--key",
    "k7f3q",
    "--json",
  ]);
  assert.equal(JSON.parse(stdout).data.length, 2);
  assert.deepEqual(calls.length, 1);
  assert.deepEqual(calls[0]?.query, { limit: 2, since: "24h", key: "k7f3q" });
  const table = await runAgainst(context, answers, ["usage", "--requests", "--limit", "2"]);
  assert.match(table.stdout, /k7f3q +claude-sonnet-5 +anthropic +ok +10 +20 +\$0\.001234 +800 +01jreq\n/);
  const csv = await runAgainst(context, answers, ["usage", "--requests", "--limit", "2", "--csv"]);
  assert.match(csv.stdout, /^request_id,started_at,.*\r\n01jreq,/);
});

test("one request is shown in full", async (context) => {
  const answers = { requests: { get: async () => requestRow } };
  const { stdout, calls } = await runAgainst(context, answers, ["usage", "--request", "01jreq"]);
  assert.deepEqual(calls[0]?.params, { id: "01jreq" });
  assert.match(stdout, /cost_micros +1234\n/);
});

test("what a request lost in translation is shown in one line, and in one cell", async (context) => {
  const dropped = [
    { path: "temperature", kind: "dropped" },
    { path: "stop", kind: "changed" },
    { path: "and 3 more", kind: "more" },
  ] as const;
  const row = { ...requestRow, upstream_dialect: "openai-chat", dropped: [...dropped] };
  const answers = { requests: { get: async () => row, list: async () => ({ data: [row], next_cursor: null }) } };
  const { stdout } = await runAgainst(context, answers, ["usage", "--request", "01jreq"]);
  assert.match(
    stdout,
    /upstream_dialect +openai-chat\ndropped +temperature \(dropped\), stop \(changed\), and 3 more\n/,
  );
  const csv = await runAgainst(context, answers, ["usage", "--requests", "--csv"]);
  assert.match(csv.stdout, /,openai-chat,"temperature \(dropped\), stop \(changed\), and 3 more"\r\n/);
});

test("options that exclude each other are a wrong usage", async (context) => {
  for (const argv of [
    ["--csv", "--json"],
    ["--requests", "--by", "user"],
    ["--dry-run"],
    ["--recompute", "--dry-run", "--key", "k7f3q"],
  ]) {
    assert.equal((await runAgainst(context, {}, ["usage", ...argv])).code, 2, argv.join(" "));
  }
});

const recomputed = (changed: number) => ({
  usage: {
    recompute: async () => ({ rows: 10, changed, before_cost_usd: 1.5, after_cost_usd: 2.25 }),
  },
});

test("what charging anew would change is told first; without a terminal it takes --yes", async (context) => {
  const dry = await runAgainst(context, recomputed(4), ["usage", "--recompute", "--dry-run", "--provider", "openai"]);
  assert.deepEqual(dry.calls[0]?.input, { since: "24h", provider: "openai", dry_run: true });
  assert.match(dry.stdout, /requests +10\nwould change +4\ncost before +\$1.50\ncost after +\$2.25\n/);
  const unasked = await runAgainst(context, recomputed(4), ["usage", "--recompute", "--since", "30d"]);
  assert.deepEqual(
    unasked.calls.map(({ input }) => input),
    [{ since: "30d", dry_run: true }],
  );
  assert.equal(unasked.code, 2);
  const done = await runAgainst(context, recomputed(4), ["usage", "--recompute", "--model", "gpt-5", "--yes"]);
  assert.deepEqual(done.calls[0]?.input, { since: "24h", model: "gpt-5", dry_run: false });
  assert.match(done.stdout, /changed +4\n/);
});
