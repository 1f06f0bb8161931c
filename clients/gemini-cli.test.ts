import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { rowsOf } from "./gate.ts";
import { obstacle, titleOf } from "./installation.ts";
import { setStage } from "./stage.ts";
import { runGemini, told, type Turn } from "./turn.ts";

/** What `--output-format json` prints, as far as it is looked at. */
interface Result {
  readonly response: string;
  readonly stats: { readonly models: Readonly<Record<string, { readonly tokens: Tokens }>> };
}

interface Tokens {
  readonly prompt: number;
  readonly candidates: number;
  readonly cached: number;
  readonly thoughts: number;
}

const model = "gemini-3-pro";

describe(titleOf("gemini"), { skip: obstacle("gemini") ?? false }, () => {
  const stage = setStage();

  const run = (prompt: string, name = model) => {
    const args = ["--model", name, "--approval-mode", "yolo", "--output-format", "json", "--prompt", prompt];
    return runGemini(stage.place, stage.address, args);
  };
  const outcomes = async () => (await rowsOf(stage.gate, stage.caller.id)).map((row) => [row.status, row.outcome]);

  test("gets its answer, and the use is written down", async () => {
    const words = `The words are ${randomBytes(8).toString("hex")}.`;
    stage.gate.simulator.play([{ script: { text: words } }]);
    const { response, stats } = resultOf(await run("hello"));
    assert.equal(response, words);
    const tokens = stats.models[model]?.tokens;
    assert.ok(tokens && tokens.thoughts > 0);
    const rows = await rowsOf(stage.gate, stage.caller.id);
    assert.equal(rows.length, 1);
    assert.partialDeepStrictEqual(rows[0], {
      route: "/v1beta/models/{model}:streamGenerateContent",
      dialect: "gemini",
      provider: "sim-gemini",
      model,
      stream: true,
      status: 200,
      outcome: "ok",
      usage_source: "reported",
      input_tokens: tokens.prompt - tokens.cached,
      cache_read_tokens: tokens.cached,
      output_tokens: tokens.candidates + tokens.thoughts,
      reasoning_tokens: tokens.thoughts,
      cost_micros: tokens.prompt + tokens.candidates + tokens.thoughts,
    });
    const received = stage.gate.simulator.requests.map(({ headers }) => headers.join("\n"));
    assert.ok(received.every((text) => text.includes(stage.gate.providerKey) && !text.includes(stage.caller.key)));
    assert.ok(!stage.gate.logLines.join("").includes(stage.caller.key));
  });

  test("runs a tool and goes on with what it returned, the thought's signature with it", async () => {
    const marker = randomBytes(8).toString("hex");
    const command = `echo ${marker} | tee proof.txt`;
    const call = { name: "run_shell_command", arguments: { command, description: "Leave a mark" } };
    stage.gate.simulator.play([{ times: 1, script: { toolCalls: [call] } }]);
    assert.match(resultOf(await run("run echo", `sim-gemini/${model}`)).response, new RegExp(marker));
    assert.equal(readFileSync(join(stage.place.directory, "proof.txt"), "utf8"), `${marker}\n`);
    const requests = stage.gate.simulator.requests.map(({ path, body }) => [
      path,
      body.includes('"functionResponse"') && body.includes(marker),
      body.includes('"thoughtSignature"'),
    ]);
    const path = `/v1beta/models/${model}:streamGenerateContent?alt=sse`;
    assert.deepEqual(requests, [
      [path, false, false],
      [path, true, true],
    ]);
    assert.deepEqual(await outcomes(), [
      [200, "ok"],
      [200, "ok"],
    ]);
  });

  for (const [name, script, status, outcome] of [
    ["the provider says when to try again", { status: 429, retryAfterSeconds: 1 }, 429, "upstream_error"],
    ["the provider is overloaded", { status: 503 }, 503, "upstream_error"],
    ["the provider reports an error in the middle of a reply", { errorAtEvent: 5, status: 503 }, 200, "broken"],
    ["the provider breaks off in the middle of a reply", { drop: "reset", dropAtEvent: 5 }, 200, "broken"],
  ] as const) {
    test(`recovers when ${name}`, async () => {
      stage.gate.simulator.play([{ times: 1, script }, { script: { text: "after all" } }]);
      assert.match(resultOf(await run("hello")).response, /after all$/);
      assert.deepEqual(await outcomes(), [
        [status, outcome],
        [200, "ok"],
      ]);
    });
  }

  test("ends at once when its key was revoked, and says so", async () => {
    await stage.gate.admin.call(endpoints.keys.remove, { params: { id: stage.caller.id } });
    const turn = await run("hello");
    assert.notEqual(turn.exitCode, 0, told(turn));
    assert.match(turn.stdout + turn.stderr, /the key is not a valid Portcullis key/);
    assert.equal(stage.gate.simulator.requests.length, 0);
  });
});

function resultOf(turn: Turn): Result {
  assert.equal(turn.exitCode, 0, told(turn));
  return JSON.parse(turn.stdout) as Result;
}
