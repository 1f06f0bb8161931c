import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { rowsOf } from "./gate.ts";
import { obstacle, titleOf } from "./installation.ts";
import { setStage } from "./stage.ts";
import { runClaude, told, type Turn } from "./turn.ts";

/** What `--output-format json` prints, as far as it is looked at. */
interface Result {
  readonly result: string;
  readonly session_id: string;
  readonly usage: {
    readonly input_tokens: number;
    readonly output_tokens: number;
    readonly cache_read_input_tokens: number;
    readonly cache_creation_input_tokens: number;
  };
}

const model = "claude-sonnet-5";
const say = ["--model", model, "--print", "hello"];

describe(titleOf("claude"), { skip: obstacle("claude") ?? false }, () => {
  const stage = setStage();

  const run = (args: readonly string[], more: Readonly<Record<string, string>> = {}, variable?: string) =>
    runClaude(stage.place, stage.address, args, more, variable);
  const outcomes = async () =>
    (await rowsOf(stage.gate, stage.caller.id)).map((row) => [row.status, row.stream, row.outcome]);

  for (const variable of ["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"]) {
    test(`gets its answer with the gateway's key in ${variable}, and the use is written down`, async () => {
      const words = `The words are ${randomBytes(8).toString("hex")}.`;
      stage.gate.simulator.play([{ script: { text: words } }]);
      const turn = await run([...say, "--output-format", "json"], {}, variable);
      const { result, session_id, usage } = resultOf(turn);
      assert.equal(result, words);
      const rows = await rowsOf(stage.gate, stage.caller.id);
      assert.equal(rows.length, 1);
      assert.partialDeepStrictEqual(rows[0], {
        session_id,
        route: "/v1/messages",
        provider: "sim-anthropic",
        model,
        stream: true,
        status: 200,
        outcome: "ok",
        usage_source: "reported",
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cache_read_tokens: usage.cache_read_input_tokens,
        cache_write_tokens: usage.cache_creation_input_tokens,
        cost_micros: usage.input_tokens + usage.output_tokens + usage.cache_creation_input_tokens,
      });
      const received = stage.gate.simulator.requests.map(({ headers }) => headers.join("\n"));
      assert.ok(received.every((text) => text.includes(stage.gate.providerKey) && !text.includes(stage.caller.key)));
      assert.ok(!stage.gate.logLines.join("").includes(stage.caller.key));
    });
  }

  test("runs a tool and goes on with what it returned", async () => {
    const marker = randomBytes(8).toString("hex");
    const call = {
      name: "Bash",
      arguments: { command: `echo ${marker} | tee proof.txt`, description: "Leave a mark" },
    };
    stage.gate.simulator.play([{ times: 1, script: { toolCalls: [call] } }]);
    const asked = ["--model", `sim-anthropic/${model}`, "--print", "run echo"];
    const turn = await run([...asked, "--allowedTools", "Bash", "--output-format", "json"]);
    assert.match(resultOf(turn).result, new RegExp(`returned:\\s+${marker}$`));
    assert.equal(readFileSync(join(stage.place.directory, "proof.txt"), "utf8"), `${marker}\n`);
    const bodies = stage.gate.simulator.requests.map(({ body }) => body.toString());
    assert.deepEqual(
      bodies.map((body) => [body.includes(`"model":"${model}"`), body.includes(`"content":"${marker}"`)]),
      [
        [true, false],
        [true, true],
      ],
    );
    assert.deepEqual(await outcomes(), [
      [200, true, "ok"],
      [200, true, "ok"],
    ]);
  });

  test("counts tokens for /context", async () => {
    const turn = await run(["--model", model, "--print", "/context"]);
    assert.equal(turn.exitCode, 0, told(turn));
    assert.match(turn.stdout, /System tools \| [\d.]+k/);
    const rows = await rowsOf(stage.gate, stage.caller.id);
    assert.ok(rows.length > 0);
    for (const row of rows) {
      assert.partialDeepStrictEqual(row, { route: "/v1/messages/count_tokens", status: 200, input_tokens: 0 });
    }
  });

  test("discovers the models it may use, by the names it shows", async () => {
    const turn = await run(say, { CLAUDE_CODE_ENABLE_GATEWAY_MODEL_DISCOVERY: "1" });
    assert.equal(turn.exitCode, 0, told(turn));
    const kept = readFileSync(join(stage.place.home, ".claude/cache/gateway-models.json"), "utf8");
    const { models } = JSON.parse(kept) as { models: unknown };
    assert.deepEqual(models, [{ id: model, display_name: `Simulated ${model}` }]);
  });

  test("tries again when the provider is overloaded", async () => {
    stage.gate.simulator.play([{ times: 1, script: { status: 529 } }, { script: { text: "after all" } }]);
    const turn = await run(say);
    assert.deepEqual([turn.exitCode, turn.stdout], [0, "after all\n"], told(turn));
    assert.deepEqual(await outcomes(), [
      [529, true, "upstream_error"],
      [200, true, "ok"],
    ]);
  });

  test("shows the provider's own words when it may not try again", async () => {
    stage.gate.simulator.play([{ script: { status: 529, message: "Too many at once" } }]);
    const turn = await run(say, { CLAUDE_CODE_MAX_RETRIES: "0" });
    assert.equal(turn.exitCode, 1, told(turn));
    assert.match(turn.stdout, /^API Error: 529 Too many at once/);
  });

  for (const [name, script] of [
    ["the provider reports an error", { errorAtEvent: 5 }],
    ["the provider breaks off", { drop: "reset", dropAtEvent: 5 }],
    ["the provider ends too soon", { drop: "end", dropAtEvent: 5 }],
  ] as const) {
    test(`recovers when ${name} in the middle of a reply`, async () => {
      stage.gate.simulator.play([{ times: 1, script }, { script: { text: "after all" } }]);
      const turn = await run(say);
      assert.deepEqual([turn.exitCode, turn.stdout], [0, "after all\n"], told(turn));
      const [first, second] = await rowsOf(stage.gate, stage.caller.id);
      assert.partialDeepStrictEqual(first, { status: 200, outcome: "broken", usage_source: "estimated" });
      assert.partialDeepStrictEqual(second, { status: 200, outcome: "ok", usage_source: "reported" });
    });
  }

  test("says who broke off when it may not try again", async () => {
    stage.gate.simulator.play([{ script: { drop: "reset", dropAtEvent: 5 } }]);
    const turn = await run(say, { CLAUDE_CODE_MAX_RETRIES: "0" });
    assert.deepEqual([turn.exitCode, turn.stdout], [1, "API Error: sim-anthropic broke off its reply\n"], told(turn));
  });

  test("ends at once when its key was revoked, and says so", async () => {
    await stage.gate.admin.call(endpoints.keys.remove, { params: { id: stage.caller.id } });
    const turn = await run(say);
    assert.equal(turn.exitCode, 1, told(turn));
    assert.match(turn.stdout, /^Failed to authenticate\. API Error: 401 the key is not a valid Portcullis key/);
    assert.equal(stage.gate.simulator.requests.length, 0);
  });
});

function resultOf(turn: Turn): Result {
  assert.equal(turn.exitCode, 0, told(turn));
  return JSON.parse(turn.stdout) as Result;
}
