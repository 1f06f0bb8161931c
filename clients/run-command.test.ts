import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import type { Gate } from "../packages/server/test/support/gateway.ts";
import { openClientGate } from "./gate.ts";
import { obstacle, titleOf } from "./installation.ts";
import { codexOptions, createPlace, runIn, told } from "./turn.ts";

const cli = join(import.meta.dirname, "../packages/server/bin/portcullis.js");

let gate: Gate;
before(async () => {
  gate = await openClientGate();
});

for (const { name, args, tool, variable } of [
  {
    name: "claude",
    args: ["--model", "claude-sonnet-5", "--allowedTools", "Bash", "--print"],
    tool: { name: "Bash", input: "command" },
    variable: "ANTHROPIC_API_KEY",
  },
  {
    name: "codex",
    args: ["exec", "--model", "gpt-5.5", ...codexOptions],
    tool: { name: "exec_command", input: "cmd" },
    variable: "OPENAI_API_KEY",
  },
  {
    name: "gemini",
    args: ["--model", "gemini-3-pro", "--approval-mode", "yolo", "--prompt"],
    tool: { name: "run_shell_command", input: "command" },
    variable: "GEMINI_API_KEY",
  },
  {
    name: "opencode",
    args: ["run", "--title", "a test", "--model", "anthropic/claude-sonnet-5"],
    tool: { name: "bash", input: "command" },
    variable: "ANTHROPIC_API_KEY",
  },
] as const) {
  test(`portcullis run ${name}: the client works with a key that ends with it, and with no other (${titleOf(name)})`, {
    skip: obstacle(name) ?? false,
  }, async () => {
    const place = createPlace();
    const marker = randomBytes(8).toString("hex");
    const call = { name: tool.name, arguments: { [tool.input]: `env > environment.txt; echo ${marker}` } };
    gate.simulator.clear();
    gate.simulator.play([{ times: 1, script: { toolCalls: [call] } }]);
    const adminToken = gate.gateway.adminToken.reveal();

    const turn = await runIn(place, process.execPath, [cli, "run", name, "--", ...args, "run echo"], {
      PORTCULLIS_URL: gate.url,
      PORTCULLIS_ADMIN_TOKEN: adminToken,
      [variable]: "sk-the-users-own",
    });

    assert.equal(turn.exitCode, 0, told(turn));
    assert.match(turn.stdout, new RegExp(`returned:[^]+${marker}`));
    assert.deepEqual(
      gate.simulator.requests.map(({ status, body }) => [status, body.includes(marker)]),
      [
        [200, false],
        [200, true],
      ],
    );
    const environment = readFileSync(join(place.directory, "environment.txt"), "utf8");
    assert.ok(!environment.includes(adminToken) && !environment.includes("sk-the-users-own"), environment);
    const key = /=(pc_\S+)$/m.exec(environment)?.[1] ?? "";
    assert.ok(key.length > 40 && key !== gate.key, environment);
    assert.equal((await gate.get("/v1/models", { authorization: `Bearer ${key}` })).status, 401);
    const { data: keys } = await gate.admin.call(endpoints.keys.list);
    assert.deepEqual(
      keys.map(({ id }) => id),
      [gate.keyId],
    );
  });
}
