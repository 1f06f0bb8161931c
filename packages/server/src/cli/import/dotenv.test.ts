import assert from "node:assert/strict";
import test from "node:test";
import { parseEntries, readDotenv } from "./dotenv.ts";
import { context, fixtureText, summarise } from "./test/fixtures.ts";

test("a .env file gives the keys that providers take, and says of the rest what is left", () => {
  assert.deepEqual(summarise(readDotenv(fixtureText("settings.env"), context)), [
    "line 2: credential OPENAI_API_KEY sk-dotenv-openai-canary",
    "line 3: credential ANTHROPIC_API_KEY sk-ant-dotenv-canary",
    "line 4: credential GROQ_API_KEY gsk_dotenv_canary",
    "line 5: skipped credential MISTRAL_API_KEY",
    "line 6: failed variable DEEPSEEK_API_KEY",
    "line 7: credential XAI_API_KEY with a space",
    "line 8: skipped credential GEMINI_API_KEY",
    "line 9: credential OPENROUTER_API_KEY https://proxy.example.com/v1 sk-or-elsewhere-canary",
    "line 12: skipped secret TLS_KEY",
    "line 15: skipped secret SESSION_SECRET",
    "line 16: skipped secret DATABASE_URL",
    "line 18: skipped variable COHERE_API_KEY",
    "line 19: credential COHERE_API_KEY second-canary",
    "line 21: failed variable line 21",
    "line 22: failed variable UNCLOSED",
  ]);
});

test("with --secrets, what looks like a secret is kept as one, and what does not is not", () => {
  const findings = readDotenv(fixtureText("settings.env"), { ...context, keepSecrets: true });
  const secrets = findings.flatMap((finding) =>
    "item" in finding && finding.item.kind === "secret" ? [[finding.item.name, finding.item.value]] : [],
  );
  assert.deepEqual(secrets, [
    ["tls_key", '-----BEGIN KEY-----\ntwo\tlines "quoted"\n-----END KEY-----'],
    ["session_secret", "raw $NOT_EXPANDED"],
    ["database_url", "postgres://user:password-canary@db/app"],
  ]);
});

test("quotes, comments, escapes and line ends are read as shells and libraries read them", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["A=plain", "plain"],
    ["A = spaced  ", "spaced"],
    ["export A=exported", "exported"],
    ["A=before # after", "before"],
    ["A=with#hash", "with#hash"],
    ["A=#nothing", ""],
    ["A=", ""],
    [`A="quoted # not a comment" # a comment`, "quoted # not a comment"],
    ["A='raw $HOME \\n'", "raw $HOME \\n"],
    [String.raw`A="tab\tnew\nline \"q\" \\ \$HOME"`, 'tab\tnew\nline "q" \\ $HOME'],
    ["A='two\nlines'", "two\nlines"],
    ["A='two\r\nlines'\r\n", "two\nlines"],
    ["\tA=indented", "indented"],
  ];
  for (const [text, value] of cases) assert.deepEqual(parseEntries(text), [{ line: 1, name: "A", value }], text);
});

test("nothing is expanded or executed: such a value fails alone", () => {
  const dangerous = ["A=$HOME", "A=${HOME}", "A=$(id)", "A=`id`x", 'A="$(id)"', 'A="${HOME}"'];
  for (const text of dangerous) {
    const [first, second] = parseEntries(`${text}\nB=fine`);
    assert.ok((first?.problem ?? "") !== "", text);
    assert.equal(first?.value, "", text);
    assert.equal(second?.value, "fine", text);
  }
});

test("a quote that is never closed costs its own line only", () => {
  const entries = parseEntries("A=\"open\nB=fine\nC='also open\n");
  assert.deepEqual(
    entries.map(({ name, problem }) => [name, problem !== undefined]),
    [
      ["A", true],
      ["B", false],
      ["C", true],
    ],
  );
});

test("a hostile file takes no longer than its length", () => {
  const started = performance.now();
  for (const text of [
    "A='".repeat(300_000),
    'A="\\'.repeat(300_000),
    "A=`\n".repeat(200_000),
    `A=${"://:".repeat(300_000)}`,
  ]) {
    readDotenv(text, context);
  }
  assert.ok(performance.now() - started < 5_000);
});
