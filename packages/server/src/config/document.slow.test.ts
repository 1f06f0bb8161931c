import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseYaml, readDocument } from "./document.ts";

const directory = mkdtempSync(join(tmpdir(), "portcullis-document-"));
after(() => rmSync(directory, { recursive: true }));

function read(content: string | Uint8Array) {
  const path = join(directory, "portcullis.yaml");
  writeFileSync(path, content);
  const document = readDocument(path);
  assert.ok(document);
  return document;
}

/** `line:column text` of each problem. */
function problemsOf(content: string | Uint8Array): readonly string[] {
  return read(content).problems.map(({ position, text }) =>
    position === undefined ? text : `${position.line}:${position.column} ${text}`,
  );
}

test("a file with nothing in it is an empty configuration", () => {
  for (const text of ["", "\n\n", "# only a comment\n", "---\n", "\uFEFF", "{}", "null"]) {
    assert.deepEqual(read(text).values, {}, JSON.stringify(text));
    assert.deepEqual(read(text).problems, []);
  }
});

test("a section with nothing in it is empty, not wrong", () => {
  assert.deepEqual(read("server:\n  # port: 1\nlog:\n  level: info\n").values, { server: {}, log: { level: "info" } });
});

test("a byte order mark and Windows line ends change neither values nor places", () => {
  const document = read("\uFEFFserver:\r\n  host: a\r\n  port: 1\r\n");
  assert.deepEqual(document.values, { server: { host: "a", port: 1 } });
  assert.deepEqual(document.locate(["server", "port"], true), { line: 3, column: 3 });
  assert.deepEqual(document.locate(["server", "port"], false), { line: 3, column: 9 });
});

test("places are those of the key, of the value, or of what is nearest", () => {
  const document = read("a:\n  b: [x, {c: 1}]\n  d:\nbase: &base { e: 1 }\nuse: *base\n");
  const place = (...path: (string | number)[]) => Object.values(document.locate(path, false)).join(":");
  assert.equal(place("a", "b"), "2:6");
  assert.equal(place("a", "b", 1, "c"), "2:14");
  assert.equal(place("a", "d"), "3:3", "an empty value is shown at its key");
  assert.equal(place("a", "missing", "deeper"), "1:1");
  assert.equal(place("a", "b", 7), "2:3");
  assert.equal(place("use", "e"), "4:18", "through an alias");
  assert.equal(place(), "1:1");
});

test("a file must hold sections", () => {
  for (const text of ["- a\n", "hello", "[]", "42"]) {
    assert.deepEqual(problemsOf(text), ["1:1 must hold sections such as `server:`, not a list or a single value"]);
  }
});

test("mistakes of syntax are told in plain words and with their place", () => {
  const table: Readonly<Record<string, string>> = {
    "server:\n\tport: 1\n": "2:1 a tab stands in the indentation; YAML takes spaces only",
    "server:\n  port: 1\n  port: 2\n": '3:3 duplicate key "port"',
    "a: 1\nb: {c: 1, c: 2}\n": '2:11 duplicate key "c"',
    "a: 1\n---\nb: 2\n": "2:1 a second document begins here; the file may hold only one",
    "server:\n  port:8484\n  host: a\n":
      "2:3 this is no `key: value` line; the colon, or the space after it, may be missing",
    "a: b: c\n":
      "1:4 there is a second `key: value` inside a value; put it on a line of its own, or in quotes if it is text",
    "a: @b\n": "1:4 text that begins with this character must stand in quotes",
    'a: "C:\\dir"\n': "1:7 this is no escape that double quotes know; put text with backslashes in single quotes",
    "a: [1, 2\n": "2:1 this line is not indented like the ones it belongs to, or a bracket above it is not closed",
    "a: 'x\n": "2:1 a quote, bracket, comma, colon or space is missing here",
    "a: !secret b\n": "1:4 tags (`!…`) are not supported",
    "? [a]\n: b\n": "1:3 a key must be plain text",
    "a: *nowhere\n": "1:4 this alias refers to no anchor above it",
    "a: {__proto__: {b: 1}}\n": '1:5 unknown key "__proto__"',
  };
  for (const [text, problem] of Object.entries(table))
    assert.ok(problemsOf(text).includes(problem), `${text} → ${problemsOf(text).join("; ")}`);
});

test("values are those of YAML 1.2: a word is a word", () => {
  assert.deepEqual(read("a: yes\nb: on\nc: 0x10\nd: 12:30\ne: 2020-01-01\nf: true\n").values, {
    a: "yes",
    b: "on",
    c: 16,
    d: "12:30",
    e: "2020-01-01",
    f: true,
  });
});

test("an alias may repeat a part of the file", () => {
  assert.deepEqual(read("a: &x { b: 1 }\nc: *x\n").values, { a: { b: 1 }, c: { b: 1 } });
});

test("aliases cannot be made to explode", () => {
  const levels = Array.from(
    { length: 12 },
    (_, level) => `l${level + 1}: &l${level + 1} [${Array(8).fill(`*l${level}`).join(", ")}]`,
  );
  assert.deepEqual(problemsOf(`l0: &l0 [x]\n${levels.join("\n")}\n`), ["uses YAML aliases (`*name`) to excess"]);
  assert.deepEqual(problemsOf(`a: &a x\nb: [${Array(5_000).fill("*a").join(", ")}]\n`), [
    "uses YAML aliases (`*name`) to excess",
  ]);
});

test("an alias to what it stands in does no harm", () => {
  assert.deepEqual(problemsOf("server: &s\n  host: *s\n"), []);
});

test("depth and size are limited", () => {
  for (const text of ["[", "- ", "{a: ", "? "]) {
    const found = problemsOf(text.repeat(200_000)).length;
    assert.ok(found >= 1 && found <= 20, `${text} → ${found} problems`);
  }
  assert.deepEqual(problemsOf("# ".padEnd(10_000_000, "x")), ["is larger than 1048576 bytes"]);
});

test("a large file is read in reasonable time", () => {
  const keys = Array.from({ length: 40_000 }, (_, index) => `p${index}: ${index}`).join("\n");
  const started = performance.now();
  assert.equal(Object.keys(parseYaml(keys).values).length, 40_000);
  assert.ok(performance.now() - started < 10_000);
});

test("what is not UTF-8 text is refused", () => {
  const problem = ["is not text in UTF-8; save it in that encoding"];
  assert.deepEqual(problemsOf(Buffer.from("\uFEFFserver: {}", "utf16le")), problem);
  assert.deepEqual(problemsOf(Buffer.from("log: { level: 'caf\xe9' }", "latin1")), problem);
  assert.deepEqual(problemsOf(Buffer.from([0xff, 0xfe, 0x00])), problem);
});

test("a file that is not there is none; a directory and a pipe are refused without waiting", {
  skip: process.platform === "win32" && "no named pipes",
}, () => {
  assert.equal(readDocument(join(directory, "nowhere.yaml")), undefined);
  assert.deepEqual(readDocument(directory)?.problems, [{ text: "is a directory, not a file" }]);
  const pipe = join(directory, "pipe");
  execFileSync("sh", ["-c", 'mkfifo "$0"', pipe]);
  assert.deepEqual(readDocument(pipe)?.problems, [{ text: "is not a regular file" }]);
  assert.match(
    readDocument(join(directory, "portcullis.yaml", "x"))?.problems[0]?.text ?? "",
    /a part of its path is not a directory/,
  );
});
