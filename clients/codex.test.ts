import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { rowsOf } from "./gate.ts";
import { obstacle, titleOf } from "./installation.ts";
import { setStage } from "./stage.ts";
import { runCodex, told, type Turn } from "./turn.ts";

/** A line of what Codex prints, as far as it is looked at. */
interface CodexEvent {
  readonly type: string;
  readonly thread_id?: string;
  readonly item?: { readonly type: string; readonly text?: string };
  readonly message?: string;
  readonly usage?: {
    /** All of it, the cached part too. */
    readonly input_tokens: number;
    readonly cached_input_tokens: number;
    /** All of it, the thoughts too. */
    readonly output_tokens: number;
    readonly reasoning_output_tokens: number;
  };
}

describe(titleOf("codex"), { skip: obstacle("codex") ?? false }, () => {
  const stage = setStage();

  const run = (model: string, prompt: string) => runCodex(stage.place, stage.address, ["--model", model, prompt]);

  test("gets its answer, and the use is written down", async () => {
    const words = `The words are ${randomBytes(8).toString("hex")}.`;
    stage.gate.simulator.play([{ script: { text: words } }]);
    const turn = await run("gpt-5.5", "hello");
    assert.equal(answerOf(turn), words);
    const usage = eventOf(turn, "turn.completed").usage;
    assert.ok(usage);
    const rows = await rowsOf(stage.gate, stage.caller.id);
    assert.equal(rows.length, 1);
    assert.partialDeepStrictEqual(rows[0], {
      session_id: eventOf(turn, "thread.started").thread_id,
      route: "/v1/responses",
      provider: "sim-responses",
      model: "gpt-5.5",
      stream: true,
      status: 200,
      outcome: "ok",
      usage_source: "reported",
      input_tokens: usage.input_tokens - usage.cached_input_tokens,
      cache_read_tokens: usage.cached_input_tokens,
      output_tokens: usage.output_tokens,
      reasoning_tokens: usage.reasoning_output_tokens,
      cost_micros: usage.input_tokens + usage.output_tokens,
    });
    const received = stage.gate.simulator.requests.map(({ headers }) => headers.join("\n"));
    assert.ok(received.every((text) => text.includes(stage.gate.providerKey) && !text.includes(stage.caller.key)));
    assert.ok(!stage.gate.logLines.join("").includes(stage.caller.key));
  });

  const marker = randomBytes(8).toString("hex");
  const command = `echo ${marker} | tee proof.txt`;
  for (const [model, name, input] of [
    ["gpt-5.5", "exec_command", { cmd: command }],
    ["gpt-6-sol", "exec", `text(await tools.exec_command({ cmd: ${JSON.stringify(command)} }));`],
  ] as const) {
    test(`runs a tool as ${model} calls it (${name}), and goes on with what it returned`, async () => {
      stage.gate.simulator.play([{ times: 1, script: { toolCalls: [{ name, arguments: input }] } }]);
      const turn = await run(`sim-responses/${model}`, "run echo");
      assert.match(answerOf(turn), new RegExp(marker));
      assert.equal(readFileSync(join(stage.place.directory, "proof.txt"), "utf8"), `${marker}\n`);
      const bodies = stage.gate.simulator.requests.map(({ body }) => JSON.parse(body.toString()) as RequestBody);
      assert.deepEqual(
        bodies.map((body) => [body.model, outputsOf(body).includes(marker)]),
        [
          [model, false],
          [model, true],
        ],
      );
      const rows = await rowsOf(stage.gate, stage.caller.id);
      assert.deepEqual(
        rows.map((row) => [row.requested_model, row.model, row.status, row.outcome]),
        Array(2).fill([`sim-responses/${model}`, model, 200, "ok"]),
      );
    });
  }

  for (const [name, script, status, outcome] of [
    ["the provider is overloaded", { status: 529 }, 529, "upstream_error"],
    ["the provider reports an error in the middle of a reply", { errorAtEvent: 3 }, 200, "broken"],
    ["the provider breaks off in the middle of a reply", { drop: "reset", dropAtEvent: 3 }, 200, "broken"],
  ] as const) {
    test(`recovers when ${name}`, async () => {
      stage.gate.simulator.play([{ times: 1, script }, { script: { text: "after all" } }]);
      const turn = await run("gpt-5.5", "hello");
      assert.equal(answerOf(turn), "after all");
      const rows = await rowsOf(stage.gate, stage.caller.id);
      assert.deepEqual(
        rows.map((row) => [row.status, row.outcome]),
        [
          [status, outcome],
          [200, "ok"],
        ],
      );
    });
  }

  test("says so when its key was revoked", async () => {
    await stage.gate.admin.call(endpoints.keys.remove, { params: { id: stage.caller.id } });
    const turn = await run("gpt-5.5", "hello");
    assert.equal(turn.exitCode, 1, told(turn));
    assert.match(turn.stdout, /401 Unauthorized: the key is not a valid Portcullis key/);
    assert.equal(stage.gate.simulator.requests.length, 0);
  });
});

interface RequestBody {
  readonly model: string;
  readonly input: readonly { readonly type?: string }[];
}

/** What tools returned, as the request tells it. */
function outputsOf(body: RequestBody): string {
  return JSON.stringify(body.input.filter(({ type }) => type?.endsWith("_call_output")));
}

function eventsOf({ stdout }: Turn): readonly CodexEvent[] {
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as CodexEvent);
}

function eventOf(turn: Turn, type: string): CodexEvent {
  const found = eventsOf(turn).find((event) => event.type === type);
  assert.ok(found, told(turn));
  return found;
}

/** The last thing the model said. */
function answerOf(turn: Turn): string {
  assert.equal(turn.exitCode, 0, told(turn));
  return eventsOf(turn).findLast((event) => event.item?.type === "agent_message")?.item?.text ?? "";
}
