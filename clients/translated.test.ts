import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { rowsOf } from "./gate.ts";
import { obstacle, titleOf } from "./installation.ts";
import { setStage } from "./stage.ts";
import { runClaude, runCodex, told, type Turn } from "./turn.ts";

/* What clients do when something goes wrong at a provider of another dialect: as if it was their own vendor. */

const others = ["sim-chat", "sim-gemini", "sim-ollama", "sim-responses"] as const;
const overflow = {
  status: 400,
  errorCode: "context_length_exceeded",
  message:
    "This model's maximum context length is 200000 tokens. However, your messages resulted in 250000 tokens. Please reduce the length of the messages.",
};

describe(`${titleOf("claude")} on another dialect`, { skip: obstacle("claude") ?? false }, () => {
  const stage = setStage();

  const run = (args: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<Turn> =>
    runClaude(stage.place, stage.address, args, more);
  const say = (provider: string): readonly string[] => ["--model", `${provider}/some-model`, "--print", "hello"];

  for (const provider of others) {
    for (const [name, script] of [
      ["is overloaded", { status: 503 }],
      ["reports an error in the middle of a reply", { errorAtEvent: 4 }],
      ["breaks off", { drop: "reset", dropAtEvent: 4 }],
      ["ends too soon", { drop: "end", dropAtEvent: 4 }],
    ] as const) {
      test(`recovers when ${provider} ${name}`, async () => {
        stage.gate.simulator.play([{ times: 1, script }, { script: { text: "after all" } }]);
        const turn = await run(say(provider));
        assert.deepEqual([turn.exitCode, turn.stdout], [0, "after all\n"], told(turn));
        const [first, second] = await rowsOf(stage.gate, stage.caller.id);
        assert.notEqual(first?.outcome, "ok");
        assert.partialDeepStrictEqual(second, { status: 200, outcome: "ok", usage_source: "reported" });
      });
    }
  }

  test("is told that its prompt is too long in the words that it knows", async () => {
    stage.gate.simulator.play([{ script: overflow }]);
    const turn = await run(say("sim-chat"), { CLAUDE_CODE_MAX_RETRIES: "0" });
    assert.match(turn.stdout, /prompt is too long/i, told(turn));
  });

  test("counts tokens for /context, here where the provider does not count", async () => {
    const turn = await run(["--model", "sim-chat/some-model", "--print", "/context"]);
    assert.equal(turn.exitCode, 0, told(turn));
    assert.match(turn.stdout, /System tools \| [\d.]+k/);
    const rows = await rowsOf(stage.gate, stage.caller.id);
    assert.ok(rows.length > 10, String(rows.length));
    for (const row of rows) {
      assert.partialDeepStrictEqual(row, { route: "/v1/messages/count_tokens", status: 200, cost_micros: 0 });
      assert.ok((row.latency_ms ?? 0) < 1_000, `${row.latency_ms} ms`);
    }
    assert.equal(stage.gate.simulator.requests.length, 0);
  });
});

describe(`${titleOf("codex")} on another dialect`, { skip: obstacle("codex") ?? false }, () => {
  const stage = setStage();

  const run = (provider: string): Promise<Turn> =>
    runCodex(stage.place, stage.address, ["--model", `${provider}/gpt-5.5`, "hello"]);

  test("is told that its context is full in the way that it knows", async () => {
    stage.gate.simulator.play([{ script: overflow }]);
    const turn = await run("sim-chat");
    assert.equal(turn.exitCode, 1, told(turn));
    assert.match(turn.stdout, /context window/i, told(turn));
  });

  for (const provider of ["sim-anthropic", "sim-chat", "sim-gemini"]) {
    test(`recovers when ${provider} breaks off in the middle of a reply`, async () => {
      stage.gate.simulator.play([
        { times: 1, script: { drop: "reset", dropAtEvent: 4 } },
        { script: { text: "after all" } },
      ]);
      const turn = await run(provider);
      assert.equal(turn.exitCode, 0, told(turn));
      assert.match(turn.stdout, /after all/);
      const rows = await rowsOf(stage.gate, stage.caller.id);
      assert.deepEqual(
        rows.map(({ status, outcome }) => [status, outcome]),
        [
          [200, "broken"],
          [200, "ok"],
        ],
      );
    });
  }
});
