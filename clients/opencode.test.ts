import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { rowsOf } from "./gate.ts";
import { obstacle, titleOf } from "./installation.ts";
import { setStage } from "./stage.ts";
import { runOpencode, told, type OpencodeDialect, type Turn } from "./turn.ts";

/** A line of what opencode prints, as far as it is looked at. */
interface OpencodeEvent {
  readonly type: string;
  readonly part?: { readonly type: string; readonly text?: string; readonly state?: { readonly output?: string } };
  readonly error?: unknown;
}

interface Spoken extends OpencodeDialect {
  readonly model: string;
  readonly route: string;
  readonly provider: string;
}

/** One client, four dialects. */
const spoken: readonly Spoken[] = [
  {
    npm: "@ai-sdk/anthropic",
    path: "/v1",
    model: "claude-sonnet-5",
    route: "/v1/messages",
    provider: "sim-anthropic",
  },
  {
    npm: "@ai-sdk/google",
    path: "/v1beta",
    model: "gemini-3-pro",
    route: "/v1beta/models/{model}:streamGenerateContent",
    provider: "sim-gemini",
  },
  { npm: "@ai-sdk/openai", path: "/v1", model: "gpt-5.5", route: "/v1/responses", provider: "sim-responses" },
  {
    npm: "@ai-sdk/openai-compatible",
    path: "/v1",
    model: "qwen3-coder",
    route: "/v1/chat/completions",
    provider: "sim-chat",
  },
];

describe(titleOf("opencode"), { skip: obstacle("opencode") ?? false }, () => {
  const stage = setStage();

  const run = (dialect: Spoken, prompt: string) =>
    runOpencode(stage.place, stage.address, dialect, dialect.model, prompt);

  for (const dialect of spoken) {
    const { npm, model, route, provider } = dialect;

    test(`gets its answer through ${npm}, and the use is written down`, async () => {
      const words = `The words are ${randomBytes(8).toString("hex")}.`;
      stage.gate.simulator.play([{ script: { text: words } }]);
      assert.equal(answerOf(await run(dialect, "hello")), words);
      const rows = await rowsOf(stage.gate, stage.caller.id);
      assert.equal(rows.length, 1);
      const [row] = rows;
      assert.partialDeepStrictEqual(row, {
        route,
        provider,
        model,
        stream: true,
        status: 200,
        outcome: "ok",
        usage_source: "reported",
      });
      assert.ok(row !== undefined && row.input_tokens > 1_000 && row.output_tokens > 0);
      const received = stage.gate.simulator.requests.map(({ headers }) => headers.join("\n"));
      assert.ok(received.every((text) => text.includes(stage.gate.providerKey) && !text.includes(stage.caller.key)));
      assert.ok(!stage.gate.logLines.join("").includes(stage.caller.key));
    });

    test(`runs a tool through ${npm}, and goes on with what it returned`, async () => {
      const marker = randomBytes(8).toString("hex");
      const input = { command: `echo ${marker} | tee proof.txt`, description: "Leave a mark" };
      stage.gate.simulator.play([{ times: 1, script: { toolCalls: [{ name: "bash", arguments: input }] } }]);
      const turn = await run(dialect, "run echo");
      assert.match(answerOf(turn), new RegExp(marker));
      assert.equal(readFileSync(join(stage.place.directory, "proof.txt"), "utf8"), `${marker}\n`);
      assert.deepEqual(
        stage.gate.simulator.requests.map(({ body }) => body.includes(marker)),
        [false, true],
      );
      const rows = await rowsOf(stage.gate, stage.caller.id);
      assert.deepEqual(
        rows.map((row) => [row.route, row.status, row.outcome]),
        Array(2).fill([route, 200, "ok"]),
      );
    });

    test(`tries again through ${npm} when the provider is overloaded`, async () => {
      stage.gate.simulator.play([{ times: 1, script: { status: 503 } }, { script: { text: "after all" } }]);
      assert.equal(answerOf(await run(dialect, "hello")), "after all");
      const rows = await rowsOf(stage.gate, stage.caller.id);
      assert.deepEqual(
        rows.map((row) => [row.status, row.outcome]),
        [
          [503, "upstream_error"],
          [200, "ok"],
        ],
      );
    });

    test(`does not take a reply for whole through ${npm} when the provider breaks off in the middle of it`, async () => {
      stage.gate.simulator.play([
        { times: 1, script: { drop: "reset", dropAtEvent: 6 } },
        { script: { text: "after all" } },
      ]);
      const turn = await run(dialect, "hello");
      assert.match(turn.stdout, new RegExp(`after all|${provider} broke off its reply`), told(turn));
      const [first] = await rowsOf(stage.gate, stage.caller.id);
      assert.partialDeepStrictEqual(first, { status: 200, outcome: "broken", usage_source: "estimated" });
    });

    test(`says so through ${npm} when its key was revoked`, async () => {
      await stage.gate.admin.call(endpoints.keys.remove, { params: { id: stage.caller.id } });
      const turn = await run(dialect, "hello");
      assert.match(turn.stdout, /the key is not a valid Portcullis key/, told(turn));
      assert.equal(stage.gate.simulator.requests.length, 0);
    });
  }
});

function eventsOf({ stdout }: Turn): readonly OpencodeEvent[] {
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as OpencodeEvent);
}

/** The last thing the model said. */
function answerOf(turn: Turn): string {
  assert.equal(turn.exitCode, 0, told(turn));
  return eventsOf(turn).findLast((event) => event.type === "text")?.part?.text ?? "";
}
