import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { changedSettings } from "./changes.ts";
import { checkConfig, loadConfig } from "./load.ts";

const directory = mkdtempSync(join(tmpdir(), "portcullis-config-"));
after(() => rmSync(directory, { recursive: true }));
const names = { dialects: ["openai-chat"], providers: ["openai"], keyVariables: [] };

function options(file: string, environment: Record<string, string> = {}) {
  writeFileSync(join(directory, "portcullis.yaml"), file);
  return { names, environment, userHome: directory, directory };
}

const problems = (file: string): readonly string[] => checkConfig(options(file)).problems;

test("routes are declared by name, with a target or tiers", () => {
  const file = `routes:
  house: { target: openai/gpt-5, lossy: deny, display_name: House }
  listed: { targets: [openrouter/openai/gpt-5:free] }
  "claude-*":
    tiers:
      reasoning: openai/gpt-5
      completion: openai/gpt-5-mini
`;
  const { config } = loadConfig(options(file));
  const nothing = { target: undefined, targets: undefined, tiers: undefined, lossy: undefined, displayName: undefined };
  assert.deepEqual(config.routes, [
    { ...nothing, name: "house", target: "openai/gpt-5", lossy: "deny", displayName: "House" },
    { ...nothing, name: "listed", targets: ["openrouter/openai/gpt-5:free"] },
    { ...nothing, name: "claude-*", tiers: { reasoning: "openai/gpt-5", completion: "openai/gpt-5-mini" } },
  ]);
  assert.deepEqual(config.translation, { lossy: "allow" });
  const strict = options("translation: { lossy: allow }", { PORTCULLIS_TRANSLATION_LOSSY: "deny" });
  assert.deepEqual(loadConfig(strict).config.translation, { lossy: "deny" });
});

test("what is wrong with a route is told with its place in the file", () => {
  const table: readonly (readonly [file: string, problem: string])[] = [
    ["routes:\n  house: {}\n", '2:10: "routes.house" needs a `target`, or `tiers`'],
    ["routes:\n  house: { lossy: deny }\n", '2:10: "routes.house" needs a `target`, or `tiers`'],
    [
      "routes:\n  house: { target: openai/x, tiers: { completion: openai/y } }\n",
      '2:37: "routes.house.tiers" cannot be given together with `target`',
    ],
    [
      "routes:\n  house: { targets: [openai/x, openai/y] }\n",
      '2:21: "routes.house.targets" must hold exactly one target: requests do not fail over to another',
    ],
    [
      "routes:\n  house: { targets: [] }\n",
      '2:21: "routes.house.targets" must hold exactly one target: requests do not fail over to another',
    ],
    [
      "routes:\n  house:\n    target: gpt-5\n",
      '3:13: "routes.house.target" must be a model at a provider, such as openai/gpt-5 (got "gpt-5")',
    ],
    [
      "routes:\n  house:\n    tiers:\n      value: openai/x\n",
      '3:5: "routes.house.tiers.completion" is needed: a model at a provider, such as openai/gpt-5',
    ],
    [
      "routes: { house: { tiers: { completion: openai/x, valu: openai/y } } }",
      '1:51: unknown key "routes.house.tiers.valu"; did you mean "routes.house.tiers.value"?',
    ],
    [
      "routes: { house: { target: openai/x, lossy: no } }",
      '1:45: "routes.house.lossy" must be one of allow, deny (got "no")',
    ],
    [
      "routes: { a/b: { target: openai/x } }",
      '1:11: "routes.a/b" must be 1 to 200 printable ASCII characters, without spaces, `/`, `\\` and `%`, and with no dot in front; `*` stands for any run of characters',
    ],
    ["routes: [house]", '1:9: "routes" must be a mapping of settings, one `key: value` on a line'],
    ["routes: { house: openai/x }", '1:18: "routes.house" must be a mapping of settings, one `key: value` on a line'],
    ["translation: { lossy: maybe }", '1:23: "translation.lossy" must be one of allow, deny (got "maybe")'],
  ];
  for (const [file, problem] of table) assert.deepEqual(problems(file), [`portcullis.yaml:${problem}`], file);
});

test("a variable cannot declare a route, and is told so", () => {
  const { problems: found } = checkConfig(options("", { PORTCULLIS_ROUTES_HOUSE_TARGET: "openai/x" }));
  assert.deepEqual(found, ["PORTCULLIS_ROUTES_HOUSE_TARGET: unknown variable; routes are declared in the file only"]);
});

test("what changed of a route is named down to the tier, and none of it takes a restart", () => {
  const before = loadConfig(options("routes: { house: { target: openai/x }, c: { tiers: { completion: openai/a } } }"));
  const after = loadConfig(
    options("routes: { c: { tiers: { completion: openai/b, value: openai/c } } }\ntranslation: { lossy: deny }"),
  );
  const changed = changedSettings(before, after);
  assert.deepEqual(
    changed.map(({ key }) => key),
    ["routes.c.tiers.completion", "routes.c.tiers.value", "routes.house.target", "translation.lossy"],
  );
  assert.ok(changed.every(({ restart }) => !restart));
});
