import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { rowsOf } from "./gate.ts";
import { obstacle, titleOf, type ClientName } from "./installation.ts";
import { setStage } from "./stage.ts";
import { runClaude, runCodex, runGemini, runOpencode, told, type Address, type Place, type Turn } from "./turn.ts";

/*
 * Every client on a provider of every dialect: a question, a tool that the client runs, and what the model says of its result.
 * The simulated providers refuse what their vendors refuse, so the second request is one that they would take.
 */

const upstreams = ["sim-anthropic", "sim-chat", "sim-gemini", "sim-ollama", "sim-responses"] as const;

interface Driver {
  readonly title: string;
  readonly client: ClientName;
  /** What the client believes to talk to; it chooses its tools by the name. */
  readonly model: string;
  run(place: Place, address: Address, model: string): Promise<Turn>;
  /** The call of the shell tool that the client has, and its arguments as a function. */
  readonly tool: string;
  input(command: string): Readonly<Record<string, unknown>>;
  /** The same where it is a tool that takes any text, for providers that know such. */
  readonly text?: (command: string) => string;
}

const shell = (command: string) => ({ command, description: "Leave a mark" });
const script = (command: string): string => `text(await tools.exec_command({ cmd: ${JSON.stringify(command)} }));`;

const opencode = (npm: string, path: "/v1" | "/v1beta"): Driver => ({
  title: `opencode through ${npm}`,
  client: "opencode",
  model: "some-model",
  run: (place, address, model) => runOpencode(place, address, { npm, path }, model, "run echo"),
  tool: "bash",
  input: shell,
});

const drivers: readonly Driver[] = [
  {
    title: "Claude Code",
    client: "claude",
    model: "claude-sonnet-5",
    run(place, address, model) {
      return runClaude(place, address, ["--model", model, "--print", "run echo", "--allowedTools", "Bash"]);
    },
    tool: "Bash",
    input: shell,
  },
  {
    title: "Claude Code with a model it has never heard of",
    client: "claude",
    model: "qwen3-coder",
    run(place, address, model) {
      return runClaude(place, address, ["--model", model, "--print", "run echo", "--allowedTools", "Bash"]);
    },
    tool: "Bash",
    input: shell,
  },
  {
    title: "Codex",
    client: "codex",
    model: "gpt-5.5",
    run: (place, address, model) => runCodex(place, address, ["--model", model, "run echo"]),
    tool: "exec_command",
    input: (command) => ({ cmd: command }),
  },
  {
    title: "Codex with its tools in namespaces",
    client: "codex",
    model: "gpt-6-sol",
    run: (place, address, model) => runCodex(place, address, ["--model", model, "run echo"]),
    tool: "exec",
    input: (command) => ({ input: script(command) }),
    text: script,
  },
  {
    title: "Gemini CLI",
    client: "gemini",
    model: "gemini-3-pro",
    run: (place, address, model) =>
      runGemini(place, address, ["--model", model, "--approval-mode", "yolo", "-p", "run echo"]),
    tool: "run_shell_command",
    input: shell,
  },
  opencode("@ai-sdk/anthropic", "/v1"),
  opencode("@ai-sdk/google", "/v1beta"),
  opencode("@ai-sdk/openai", "/v1"),
  opencode("@ai-sdk/openai-compatible", "/v1"),
];

for (const driver of drivers) {
  const { client } = driver;
  describe(`${titleOf(client)}: ${driver.title}`, { skip: obstacle(client) ?? false }, () => {
    const stage = setStage();

    for (const upstream of upstreams) {
      test(`runs a tool on ${upstream}, and goes on with what it returned`, async () => {
        const marker = randomBytes(8).toString("hex");
        const command = `echo ${marker} | tee proof.txt`;
        const input = upstream === "sim-responses" && driver.text ? driver.text(command) : driver.input(command);
        const call = { name: driver.tool, arguments: input };
        stage.gate.simulator.play([
          { times: 1, script: { toolCalls: [call] } },
          { script: { text: `It said so: ${marker}.` } },
        ]);
        const turn = await driver.run(stage.place, stage.address, `${upstream}/${driver.model}`);
        assert.equal(turn.exitCode, 0, told(turn));
        assert.match(turn.stdout, new RegExp(`It said so: ${marker}`), told(turn));
        assert.equal(readFileSync(join(stage.place.directory, "proof.txt"), "utf8"), `${marker}\n`);
        const requests = stage.gate.simulator.requests.filter(({ path }) => !/count_tokens|countTokens/.test(path));
        assert.deepEqual(
          requests.map(({ body }) => body.includes(marker)),
          [false, true],
        );
        const rows = await rowsOf(stage.gate, stage.caller.id);
        assert.deepEqual(
          rows.map(({ provider, status, outcome }) => [provider, status, outcome]),
          Array(2).fill([upstream, 200, "ok"]),
        );
      });
    }
  });
}
