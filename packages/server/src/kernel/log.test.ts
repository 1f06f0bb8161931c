import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "./clock.ts";
import { createLog, type LogOptions } from "./log.ts";
import { Secret } from "./secret.ts";

function logged(options: Partial<LogOptions>, act: (log: ReturnType<typeof createLog>) => void): string[] {
  const lines: string[] = [];
  act(createLog({ level: "info", format: "json", clock: fakeClock(0), write: (line) => lines.push(line), ...options }));
  return lines;
}

test("a line is one JSON object with time, level and message", () => {
  const [line = ""] = logged({}, (log) => log.warn({ provider: "groq" }, "slow"));
  assert.deepEqual(JSON.parse(line), {
    time: "1970-01-01T00:00:00.000Z",
    level: "warn",
    message: "slow",
    provider: "groq",
  });
});

test("lines below the level are not written", () => {
  assert.equal(
    logged({ level: "warn" }, (log) => {
      log.debug({}, "a");
      log.info({}, "b");
      log.warn({}, "c");
      log.error({}, "d");
    }).length,
    2,
  );
});

for (const format of ["json", "pretty"] as const) {
  test(`a secret in a field stays one (${format})`, () => {
    const lines = logged({ format }, (log) =>
      log.error({ key: new Secret("canary-1234567890"), deep: { key: new Secret("canary") } }, "x"),
    );
    assert.ok(lines.every((line) => !line.includes("canary") && line.includes("[secret]")));
  });

  test(`nothing a caller sends can start a new line or turn one around (${format})`, () => {
    const hostile = "a\nb\r\u0000\u001b[31m\u0085\u2028\u202e\u2066";
    const [line = ""] = logged({ format }, (log) => log.info({ agent: hostile }, hostile));
    assert.match(line, /^[^\p{Cc}\u2028\u202e\u2066]*\n$/u);
  });

  test(`a long text is cut (${format})`, () => {
    const [line = ""] = logged({ format }, (log) => log.info({ path: "x".repeat(100_000) }, "long"));
    assert.ok(line.length < 3_000);
  });
}

test("level and format may change while the log is in use", () => {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const options = { level: "warn", format: "json", clock: fakeClock(), write } as const;
  const changing: LogOptions = { ...options };
  const log = createLog(changing);
  log.info({}, "too little");
  Object.assign(changing, { level: "debug", format: "pretty" });
  log.debug({}, "now enough");
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /^\d\d:\d\d:\d\d\.\d{3} debug now enough\n$/);
});
