import assert from "node:assert/strict";
import test from "node:test";
import type { CommandEntry, Leaf } from "../command.ts";
import { run } from "../test/terminal.ts";
import { commands } from "./index.ts";

async function leaves(
  entries: readonly CommandEntry[],
  path: readonly string[] = [],
): Promise<readonly { path: string[]; leaf: Leaf }[]> {
  const found = entries.map(async (entry) => {
    const body = await entry.load();
    const here = [...path, entry.name];
    return "commands" in body ? leaves(body.commands, here) : [{ path: here, leaf: body }];
  });
  return (await Promise.all(found)).flat();
}

const all = await leaves(commands);

test("every command has a help with an example that calls it", async () => {
  assert.ok(all.length > 35);
  for (const { path, leaf } of all) {
    const { code, stdout } = await run([...path, "--help"]);
    assert.equal(code, 0, path.join(" "));
    assert.match(stdout, /\nExamples?:\n {2}\$ /, path.join(" "));
    for (const example of leaf.examples) assert.ok(example.includes(`portcullis ${path.join(" ")}`), example);
  }
});

test("no command takes a secret as an argument", () => {
  const secretive = /key|secret|passphrase|password|token|code/;
  const forms = all.flatMap(({ leaf }) => Object.values(leaf.parameters).map(({ form }) => form));
  // `<id>`, `<name>` and `<file>` are ids of keys, names of variables, and files.
  const suspicious = forms.filter(
    (form) => secretive.test(form) && !/^--\w+ <id>$|-env <name>$|<file>$/.test(form) && /[<[]/.test(form),
  );
  assert.deepEqual(suspicious, ["[key]"], "only the name of a setting, of `config explain`, may be among them");
});

test("help is spelt as a list of commands, and asking for it is no error", async () => {
  const { code, stdout } = await run(["--help"]);
  assert.equal(code, 0);
  for (const { name, summary } of commands) assert.ok(stdout.includes(name) && stdout.includes(summary), name);
  assert.match((await run(["help", "keys"])).stdout, /rotate/);
  assert.equal((await run(["--version"])).stdout, "1.2.3\n");
});

test("what is misspelt is a wrong usage, with the right word as a hint", async () => {
  const cases: readonly (readonly [string[], RegExp])[] = [
    [["kyes", "list"], /^error: unknown command 'kyes'\nhint: did you mean keys\?\n$/],
    [["keys", "creat"], /^error: unknown command 'creat'\nhint: did you mean create\?\n$/],
    [["keys", "create", "--usr", "x"], /^error: unknown option '--usr'\nhint: did you mean --user\?\n$/],
    [["keys", "show"], /^error: missing required argument 'id'\nhint: see `portcullis keys show --help`\n$/],
    [
      ["credentials", "add", "openai", "--weight", "much"],
      /^error: --weight must be a whole number, not `much`\nhint: /,
    ],
    [["keys", "create", "--expires", "soon"], /^error: --expires must be a duration like .*\nhint: /],
    [["usage", "--by", "colour"], /^error: --by must be one of key, user, .*\nhint: /],
  ];
  for (const [argv, message] of cases) {
    const { code, stdout, stderr } = await run(argv);
    assert.equal(code, 2, argv.join(" "));
    assert.match(stderr, message);
    assert.equal(stdout, "");
  }
});

test("a command that only holds others shows them, and is no success", async () => {
  const { code, stderr } = await run(["vault"]);
  assert.equal(code, 2);
  assert.match(stderr, /unseal/);
});
