import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import type { Gate } from "../packages/server/test/support/gateway.ts";
import { openClientGate, rowsOf } from "./gate.ts";
import { createPlace, runIn, told } from "./turn.ts";

/*
 * The vendors' packages for Python, installed into a place of their own that goes away with the tests. What they are made to
 * do, and print, lies in `python/`.
 */

const programs = join(import.meta.dirname, "python");
const requirements = join(programs, "requirements.txt");

/** `openai 3.48.0` */
function titleOf(name: string): string {
  return (
    readFileSync(requirements, "utf8")
      .match(new RegExp(`^${name}==.*$`, "m"))?.[0]
      .replace("==", " ") ?? name
  );
}

const environment = mkdtempSync(join(tmpdir(), "portcullis-python-"));
after(() => rmSync(environment, { recursive: true, force: true }));

/** Installs the packages; why that cannot be done here, or `undefined`. */
function install(): string | undefined {
  const python = join(environment, "bin/python");
  const pip = ["-m", "pip", "install", "--quiet", "--retries", "1", "--no-deps", "--only-binary", ":all:"];
  try {
    execFileSync("python3", ["-m", "venv", environment], { stdio: "pipe", timeout: 60_000 });
    execFileSync(python, [...pip, "--requirement", requirements], { stdio: "pipe", timeout: 240_000 });
    return undefined;
  } catch (thrown) {
    return `the packages for Python cannot be installed here: ${String(thrown).slice(0, 300)}`;
  }
}

type Raised = readonly [type: string, ...rest: unknown[]] | null;

/** What every one of the programs prints. */
interface Printed {
  readonly whole: string;
  readonly streamed: string;
  readonly tool: readonly [asked: unknown, answer: string];
  readonly models: readonly string[];
  readonly stranger: Raised;
  readonly limited: Raised;
  readonly broken: Raised;
}

describe("for Python", { skip: install() ?? false }, () => {
  let gate: Gate;
  let caller: { readonly id: string; readonly key: string };
  before(async () => {
    gate = await openClientGate();
    caller = await gate.createKey();
    await gate.admin.call(endpoints.models.create, { params: { id: "sim-chat" }, input: { name: "test-model" } });
  });

  async function run<More>(program: string): Promise<Printed & More> {
    const place = createPlace();
    const turn = await runIn(place, join(environment, "bin/python"), [join(programs, program)], {
      GATEWAY_URL: gate.url,
      GATEWAY_KEY: caller.key,
      PYTHONDONTWRITEBYTECODE: "1",
    });
    assert.equal(turn.exitCode, 0, told(turn));
    const printed = JSON.parse(turn.stdout) as Printed & More;
    assert.ok(printed.whole.length > 20);
    assert.equal(printed.streamed, printed.whole);
    assert.ok(printed.tool[1].includes("-4 °C, snow"), printed.tool[1]);
    return printed;
  }

  const rows = () => rowsOf(gate, caller.id);

  test(`${titleOf("openai")} chats, streams, calls a tool, embeds, lists, and tells errors apart`, async () => {
    const before = (await rows()).length;
    const printed = await run<{
      readonly responses: readonly [string, string];
      readonly embeddings: readonly [readonly string[], number];
      readonly unknown: Raised;
    }>("openai_sdk.py");
    assert.equal(printed.tool[0], '{"city":"example"}');
    assert.equal(printed.responses[0], printed.responses[1]);
    assert.deepEqual(printed.embeddings[0], ["float", "float"]);
    assert.ok(printed.models.includes("sim-chat/test-model"));
    assert.equal(printed.stranger?.[0], "AuthenticationError");
    assert.equal(printed.unknown?.[0], "NotFoundError");
    assert.deepEqual(
      [printed.limited?.[0], /word for word/.test(String(printed.limited?.[1]))],
      ["RateLimitError", true],
    );
    assert.equal(printed.broken?.[0], "APIError");
    assert.match(String(printed.broken?.[1]), /sim-chat broke off its reply/);
    const outcomes = (await rows()).slice(before).map(({ outcome }) => outcome);
    assert.equal(outcomes.filter((outcome) => outcome === "ok").length, 7);
  });

  test(`${titleOf("anthropic")} answers, streams, calls a tool, counts, lists, and tells errors apart`, async () => {
    const printed = await run<{ readonly counted: number; readonly unknown: Raised }>("anthropic_sdk.py");
    assert.deepEqual(printed.tool[0], { city: "example" });
    assert.ok(printed.counted > 0);
    assert.ok(printed.models.includes("claude-sonnet-5"));
    assert.equal(printed.stranger?.[0], "AuthenticationError");
    assert.equal(printed.unknown?.[0], "NotFoundError");
    assert.deepEqual(
      [printed.limited?.[0], /word for word/.test(String(printed.limited?.[1]))],
      ["RateLimitError", true],
    );
    assert.match(String(printed.broken?.[1]), /sim-anthropic broke off its reply/);
  });

  test(`${titleOf("google-genai")} answers, streams, calls a tool, embeds, counts, lists, and tells errors apart`, async () => {
    const printed = await run<{ readonly counted: number; readonly embeddings: readonly boolean[] }>("google_sdk.py");
    assert.deepEqual(printed.tool[0], { city: "example" });
    assert.deepEqual(printed.embeddings, [true, true]);
    assert.ok(printed.counted > 0);
    assert.ok(printed.models.some((name) => name.includes("gemini-3-pro")));
    assert.deepEqual(printed.stranger?.slice(0, 3), ["ClientError", 401, "UNAUTHENTICATED"]);
    assert.deepEqual(printed.limited?.slice(0, 2), ["ClientError", 429]);
    assert.notEqual(printed.broken, null);
  });
});
