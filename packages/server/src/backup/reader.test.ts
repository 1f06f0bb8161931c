import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { inspect } from "node:util";
import { AppError } from "../kernel/errors.ts";
import type { Value } from "../db/index.ts";
import { readBackup, type BackupPart } from "./reader.ts";
import { writeLines, type TableToWrite } from "./writer.ts";

const header = {
  format: "portcullis-backup",
  version: 1,
  made_at: "2026-01-31T08:00:00.000Z",
  product: "1.0.0",
  schema: 6,
  engine: "sqlite",
} as const;
const rootKey = (): Buffer => Buffer.from(Buffer.alloc(32, 7).toString("base64"));

const rows: readonly (readonly Value[])[] = [
  ["a", 1, null, new Uint8Array([0, 255, 10])],
  ['"quoted"\n\u2028\u0000 漢字 😀', -9_007_199_254_740_991, "", new Uint8Array()],
];

async function* tables(): AsyncGenerator<TableToWrite> {
  async function* pages(): AsyncGenerator<readonly (readonly Value[])[]> {
    for (const row of rows) yield await Promise.resolve([row]);
  }
  yield { name: "things", columns: ["id", "number", "text", "bytes"], rows: pages() };
  yield { name: "nothing", columns: ["id"], rows: (async function* () {})() };
}

async function written(): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of writeLines(header, rootKey(), tables())) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

async function read(bytes: Buffer, pieceBytes = 1 << 16): Promise<readonly BackupPart[]> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let from = 0; from < bytes.length; from += pieceBytes) {
      yield await Promise.resolve(Buffer.from(bytes.subarray(from, from + pieceBytes)));
    }
  }
  const parts: BackupPart[] = [];
  for await (const part of readBackup(pieces(), "b.age")) parts.push(part);
  return parts;
}

/** The lines with other ones in their place, and the digest right again. */
function rewritten(bytes: Buffer, change: (lines: string[]) => string[]): Buffer {
  const lines = bytes.toString("utf8").trimEnd().split("\n");
  const last = JSON.parse(lines.pop() ?? "") as { end: { sha256: string } };
  const before = change(lines)
    .map((line) => `${line}\n`)
    .join("");
  last.end.sha256 = createHash("sha256").update(before).digest("hex");
  return Buffer.from(`${before}${JSON.stringify(last)}\n`);
}

async function refusal(bytes: Buffer): Promise<AppError> {
  const outcome: unknown = await read(bytes).catch((error: unknown) => error);
  assert.ok(outcome instanceof AppError, inspect(outcome));
  assert.equal(outcome.code, "backup_unreadable");
  return outcome;
}

test("what was written is read again, however it is cut into pieces", async () => {
  const bytes = await written();
  const whole = await read(bytes);
  assert.deepEqual(whole[0], { kind: "header", header });
  const [, key] = whole;
  assert.ok(key?.kind === "root_key");
  assert.equal(key.base64.reveal(), rootKey().toString());
  const values = whole.filter((part) => part.kind === "row").map((part) => part.values.map(plain));
  assert.deepEqual(
    values,
    rows.map((row) => row.map(plain)),
  );
  for (const size of [13, 4096]) assert.equal((await read(bytes, size)).length, whole.length, String(size));
});

function plain(value: Value): unknown {
  return value instanceof Uint8Array ? [...value] : value;
}

test("the root key is wiped from the writer's memory once it is passed on", async () => {
  const key = rootKey();
  const lines = writeLines(header, key, tables());
  await lines.next();
  const { value: line } = await lines.next();
  assert.match(Buffer.from(line ?? []).toString(), /^\{"vault_root_key":"BwcH.*"\}\n$/);
  await lines.next();
  assert.deepEqual(Buffer.from(line ?? []), Buffer.alloc(line?.length ?? 0));
  assert.deepEqual(key, Buffer.alloc(44));
  await lines.return(undefined);
});

test("a backup that was cut off anywhere is refused, and says so", async () => {
  const bytes = await written();
  const lineEnds = [...bytes.entries()].filter(([, byte]) => byte === 10).map(([index]) => index + 1);
  for (const end of [0, 1, ...lineEnds.slice(0, -1)]) await refusal(bytes.subarray(0, end));
  assert.match((await refusal(bytes.subarray(0, lineEnds.at(-2)))).message, /cut off: its last line is missing/);
});

test("a backup with any byte changed, a line more, a line less or two lines swapped is refused", async () => {
  const bytes = await written();
  for (let index = 0; index < bytes.length; index += bytes[index] === 0x20 ? 4_001 : 1) {
    if (bytes[index] === 10 && index === bytes.length - 1) continue; // what ends the last line says nothing
    const changed = Buffer.from(bytes);
    changed[index] = (changed[index] ?? 0) ^ 1;
    await refusal(changed);
  }
  const lines = bytes.toString("utf8").trimEnd().split("\n");
  const withLines = (changed: readonly string[]): Buffer => Buffer.from(`${changed.join("\n")}\n`);
  await refusal(withLines(lines.toSpliced(4, 1)));
  await refusal(withLines(lines.toSpliced(4, 0, lines[4] ?? "")));
  await refusal(withLines(lines.with(4, lines[5] ?? "").with(5, lines[4] ?? "")));
  await refusal(withLines([...lines, '["more"]']));
  await refusal(withLines([...lines, lines.at(-1) ?? ""]));
});

test("a line out of place or malformed is refused also if the digest is right", async () => {
  const bytes = await written();
  const changes: readonly ((lines: string[]) => string[])[] = [
    (lines) => lines.slice(1),
    (lines) => lines.toSpliced(1, 1), // no root key
    (lines) => [lines[1] ?? "", lines[0] ?? "", ...lines.slice(2)],
    (lines) => lines.toSpliced(3, 1), // rows without a table
    (lines) => lines.toSpliced(4, 0, "not json"),
    (lines) => lines.toSpliced(4, 0, '"text"'),
    (lines) => lines.toSpliced(4, 0, "null"),
    (lines) => lines.toSpliced(4, 0, '{"unknown":1}'),
    (lines) => lines.toSpliced(4, 0, '{"vault_root_key":"AAAA"}'),
    (lines) => lines.toSpliced(4, 1, '["too few"]'),
    (lines) => lines.toSpliced(4, 1, '["a",1.5,null,{"base64":""}]'),
    (lines) => lines.toSpliced(4, 1, '["a",1,true,{"base64":""}]'),
    (lines) => lines.toSpliced(4, 1, '["a",1,null,{"base64":"A"}]'),
    (lines) => lines.toSpliced(4, 1, '["a",1,null,{"base64":"","more":1}]'),
    (lines) => lines.toSpliced(4, 1, '["a",9007199254740993,null,{"base64":""}]'),
    (lines) => [...lines, '{"table":"things","columns":["id"]}'],
    (lines) => lines.with(0, (lines[0] ?? "").replace('"schema":6', '"schema":-1')),
  ];
  for (const change of changes) await refusal(rewritten(bytes, change));
});

test("another version of the format is refused by its number, and what is no backup at all as such", async () => {
  const bytes = await written();
  const newer = rewritten(bytes, (lines) => lines.with(0, (lines[0] ?? "").replace('"version":1', '"version":2')));
  const error = await refusal(newer);
  assert.match(error.message, /version 2 of the format, and this Portcullis reads 1/);
  assert.match(error.hint ?? "", /newer/);
  assert.match((await refusal(Buffer.from('{"a":1}\n'))).message, /does not hold a backup of Portcullis/);
});

test("a line that a later version may add before the first table is passed over", async () => {
  const bytes = await written();
  const more = await read(rewritten(bytes, (lines) => lines.toSpliced(2, 0, '{"remark":"later"}')));
  assert.equal(more.length, (await read(bytes)).length);
});

test("no refusal repeats what a line holds", async () => {
  const bytes = await written();
  const error = await refusal(rewritten(bytes, (lines) => lines.toSpliced(4, 1, '["sk-canary" canary')));
  assert.doesNotMatch(inspect(error, { depth: 9 }), /canary/);
});
