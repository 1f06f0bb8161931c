import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "../../kernel/errors.ts";
import { requestRules, scanObject } from "../../kernel/json-scan.ts";
import { questionKeys, refuseUnloading } from "./engine-action.ts";

function checkText(text: string): void {
  const body = Buffer.from(text);
  refuseUnloading(body, scanObject(body, questionKeys, requestRules));
}
const check = (body: object): void => checkText(JSON.stringify({ model: "m", ...body }));
const question = [{ role: "user", content: "hello" }];

test("a model is not thrown out of the engine's memory, in whatever words", () => {
  for (const keepAlive of [0, 0.0, "0", "0s", "0m", "0h0m0s", "-0", `${"0".repeat(1_000)}s`]) {
    for (const asked of [{}, { prompt: "" }, { messages: [] }, { prompt: null, messages: null }]) {
      assert.throws(
        () => check({ keep_alive: keepAlive, ...asked }),
        (error) => error instanceof AppError && error.code === "engine_action_refused",
        JSON.stringify({ keepAlive, ...asked }),
      );
    }
  }
});

test("a model is loaded and kept, and a question says itself how long it is kept afterwards", () => {
  for (const body of [
    {},
    { prompt: "" },
    { messages: [], keep_alive: "10m" },
    { keep_alive: -1 },
    { keep_alive: "1h0m" },
    { messages: question, keep_alive: 0 },
    { prompt: "hello", keep_alive: "0s" },
  ]) {
    check(body);
  }
});

test("a key that two parsers may read differently is refused", () => {
  for (const body of ['{"model":"m","keep_alive":1,"keep_alive":0}', '{"model":"m","Keep_Alive":0}']) {
    assert.throws(
      () => checkText(body),
      (error) => error instanceof AppError && error.code === "invalid_json",
    );
  }
});
