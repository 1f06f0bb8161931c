import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { noTokens, type TokenUsage } from "../kernel/tokens.ts";
import type { DialectId, StreamFraming, UsageReader, UsageReading } from "./dialect.ts";
import { dialectById } from "./index.ts";

/** How each dialect's streams are framed, unless by server-sent events. */
const framings: Readonly<Partial<Record<DialectId, StreamFraming>>> = { ollama: "ndjson" };

function framingOf(id: DialectId): StreamFraming {
  return framings[id] ?? "sse";
}

/** A JSON text as one event of a stream. */
export function eventOf(id: DialectId, data: string): Buffer {
  return Buffer.from(framingOf(id) === "ndjson" ? `${data}\n` : `data: ${data}\n\n`);
}

/** The readers of a dialect's first route, which is the one that everybody means. */
export function streamReader(id: DialectId): UsageReader {
  const [route] = dialectById(id).routes;
  assert.ok(route);
  return route.usage.stream(framingOf(id));
}

export function bodyReader(id: DialectId): UsageReader {
  const [route] = dialectById(id).routes;
  assert.ok(route);
  return route.usage.body();
}

export const fixtures = join(import.meta.dirname, "../../test/fixtures");

export function fixture(id: DialectId, name: string): Buffer {
  return readFileSync(join(fixtures, id, name));
}

export function read(reader: UsageReader, chunks: readonly Buffer[]): UsageReading {
  for (const chunk of chunks) reader.push(chunk);
  return reader.end();
}

export function split(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places, bytes.length].toSorted((one, other) => one - other);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

/** What a recorded reply says. `outputText` is the generated text as it stands in the JSON. */
export interface Expected {
  readonly tokens?: Partial<TokenUsage>;
  readonly model?: string;
  readonly stopReason?: string;
  readonly incomplete?: true;
  readonly outputText?: string;
  readonly failure?: string;
}

export function reading(expected: Expected): Omit<UsageReading, "announced"> {
  return {
    tokens: expected.tokens && { ...noTokens, ...expected.tokens },
    model: expected.model,
    stopReason: expected.stopReason,
    complete: expected.incomplete !== true,
    outputBytes: Buffer.byteLength(expected.outputText ?? ""),
    failure: expected.failure,
  };
}

/** Only Responses replies have an id to ask for them again by; that it is the announced one is tested apart. */
export function idOf(found: UsageReading): Partial<UsageReading> {
  return "responseId" in found ? { responseId: found.responseId } : {};
}
