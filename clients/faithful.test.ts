import assert from "node:assert/strict";
import { test } from "node:test";
import { createSimulator, type RecordedRequest } from "../packages/server/src/simulator/index.ts";
import { openClientGate } from "./gate.ts";
import { obstacle, titleOf } from "./installation.ts";
import { createPlace, runClaude, runCodex, runGemini, tidy, told, type Address, type Turn } from "./turn.ts";

/*
 * A provider cannot tell a client behind the gateway from one that talks to it directly, and the client does the same
 * things: the requests of a whole conversation, a tool call included, are the same but for the key.
 */

const place = createPlace();

for (const [name, run] of [
  [
    "claude",
    (address: Address) =>
      runClaude(place, address, ["--model", "claude-sonnet-5", "--allowedTools", "Bash", "--print", "run echo"]),
  ],
  ["codex", (address: Address) => runCodex(place, address, ["--model", "gpt-5.5", "run echo"])],
  [
    "gemini",
    (address: Address) =>
      runGemini(place, address, ["--model", "gemini-3-pro", "--approval-mode", "yolo", "--prompt", "run echo"]),
  ],
] as const) {
  test(`the provider gets what ${titleOf(name)} sends, and nothing else`, {
    skip: obstacle(name) ?? false,
  }, async () => {
    const simulator = createSimulator();
    const { url } = await simulator.listen();
    const direct = await seen(run, { url, key: "sk-direct" }, simulator);
    await simulator.close();
    const gate = await openClientGate();
    gate.simulator.clear();
    const forwarded = await seen(run, gate, gate.simulator);
    await gate.close();
    assert.equal(direct.length, 2);
    assert.deepEqual(forwarded, direct);
  });
}

/** What a provider got to see of one run of a client. */
async function seen(
  run: (address: Address) => Promise<Turn>,
  address: Address,
  provider: { readonly requests: readonly RecordedRequest[] },
): Promise<readonly object[]> {
  tidy(place);
  const turn = await run(address);
  assert.equal(turn.exitCode, 0, told(turn));
  return provider.requests.map(({ method, path, headers, body }) => ({
    method,
    path,
    headers: headersOf(headers),
    body: JSON.parse(withoutChance(body.toString())) as unknown,
  }));
}

/** These belong to one connection, or to the one who holds the key. */
const ownOfEachHop = [
  "accept-encoding",
  "authorization",
  "connection",
  "content-length",
  "host",
  "sec-fetch-mode",
  "x-api-key",
  "x-goog-api-key",
];

function headersOf(raw: readonly string[]): readonly string[] {
  const names = raw.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  return names.flatMap((name, index) =>
    ownOfEachHop.includes(name) ? [] : [`${name}: ${withoutChance(raw[index * 2 + 1] ?? "")}`],
  );
}

/** The same in every run: ids, times, and how long a command took, are left out. */
function withoutChance(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<uuid>")
    .replaceAll(/\b(toolu|msg|rs|fc|call)_\w+/g, "<$1 id>")
    .replaceAll(/\brun_shell_command_\d+_\d+/g, "<call id>")
    .replaceAll(/PGID: \d+/g, "PGID: <id>")
    .replaceAll(/\b[0-9a-f]{64}\b/g, "<device id>")
    .replaceAll(/\b1\d{12}\b/g, "<time>")
    .replaceAll(/Chunk ID: \w+\\nWall time: [\d.]+/g, "<chunk>");
}
