import assert from "node:assert/strict";
import { test } from "node:test";
import { createPlaybook, parseScenarios } from "./scenario.ts";

const occasion = { model: "m", path: "/v1/messages", text: "hello there", key: "sk-1" };

test("the first scenario that matches counts, as often as it may", () => {
  const playbook = createPlaybook([
    { match: { model: "other" }, script: { text: "never" } },
    { match: { model: "m", key: "sk-1" }, times: 2, script: { status: 500 } },
    { match: { path: "/messages", text: "hello" }, script: { text: "then" } },
  ]);
  assert.deepEqual(playbook.take(occasion), { status: 500 });
  assert.deepEqual(playbook.take({ ...occasion, key: "sk-2" }), { text: "then" });
  assert.deepEqual(playbook.take(occasion), { status: 500 });
  assert.deepEqual(playbook.take(occasion), { text: "then" });
  assert.equal(playbook.take({ ...occasion, text: "bye" }), undefined);
});

test("a scenario file holds one scenario or a list", () => {
  assert.deepEqual(parseScenarios('{"script":{"delay_ms":1}}'), [{ script: { delayMs: 1 } }]);
  assert.deepEqual(parseScenarios('[{"match":{"model":"a"},"times":3,"script":{}}]'), [
    { match: { model: "a" }, times: 3, script: {} },
  ]);
});

for (const [json, expected] of [
  ["{", /not JSON/],
  ["[1]", /must be an object/],
  ['{"script":{},"when":1}', /no field `when`/],
  ['{"times":0,"script":{}}', /`times`/],
  ['{"match":{"header":"a"},"script":{}}', /match has no option `header`/],
  ["{}", /script must be a JSON object/],
] as const) {
  test(`the scenario file ${json} is refused with the reason`, () => {
    assert.throws(() => parseScenarios(json), { code: "invalid_request", message: expected });
  });
}
