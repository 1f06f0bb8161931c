import assert from "node:assert/strict";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { test } from "node:test";
import { encrypt } from "./age-file.ts";
import { formatName, formatVersion } from "./format.ts";
import { recipient } from "./test-parts.ts";
import { writeLines, type TableToWrite } from "./writer.ts";

// What a backup leaves of the root key in the memory of the process that made it, which goes on running: nothing.

const mask = 0x55;
const hidden = Uint8Array.from({ length: 44 }, (_, index) => (65 + ((index * 7) % 26)) ^ mask);

/** In memory that stays where it is, as the vault's own. */
function keyText(): Buffer {
  const text = Buffer.from(new ArrayBuffer(hidden.length));
  for (const [index, byte] of hidden.entries()) text[index] = byte ^ mask;
  return text;
}

/** How often the text stands in this process's writable memory, besides where it is looked for. */
function copiesInMemory(): number {
  const memory = openSync("/proc/self/mem", "r");
  const window = Buffer.from(new ArrayBuffer(1 << 20));
  let found = 0;
  for (const line of readFileSync("/proc/self/maps", "latin1").split("\n")) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
    if (from === undefined || to === undefined) continue;
    const end = BigInt(`0x${to}`);
    for (let at = BigInt(`0x${from}`); at < end; at += BigInt(window.length - hidden.length)) {
      const length = Number(end - at < BigInt(window.length) ? end - at : BigInt(window.length));
      found += occurrences(window.subarray(0, readAt(memory, window, length, at)));
      window.fill(0);
    }
  }
  closeSync(memory);
  return found;
}

function readAt(file: number, into: Buffer, length: number, position: bigint): number {
  try {
    return readSync(file, into, 0, length, position);
  } catch {
    return 0; // a range that the system keeps for itself
  }
}

function occurrences(bytes: Buffer): number {
  let count = 0;
  const first = (hidden[0] ?? 0) ^ mask;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (hidden.every((byte, index) => bytes[at + index] === (byte ^ mask))) count += 1;
  }
  return count;
}

test("after a backup, however small, no copy of the root key's text is left in memory", {
  skip: process.platform !== "linux" && "NOT TESTED: needs Linux, to look into this process's memory",
}, async () => {
  async function* tables(): AsyncGenerator<TableToWrite> {}
  const header = {
    format: formatName,
    version: formatVersion,
    made_at: "2026-01-31T08:00:00.000Z",
    product: "1.0.0",
    schema: 6,
    engine: "sqlite",
  } as const;
  const key = keyText();
  assert.ok(copiesInMemory() > 0, "the search finds what is there");
  const sealed = await encrypt(ReadableStream.from(writeLines(header, key, tables())), { recipients: [recipient] });
  let bytes = 0;
  for await (const piece of sealed) bytes += piece.length;
  assert.ok(bytes > 64 * 1024);
  assert.equal(copiesInMemory(), 0);
});
