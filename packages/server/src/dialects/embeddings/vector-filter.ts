import { readString, type ScannedObject, type Span } from "../../kernel/json-scan.ts";
import { ascii, skipSpace } from "../../kernel/json-token.ts";
import { bodyKeys } from "../body-keys.ts";
import type { StreamFilter } from "../dialect.ts";
import type { VectorFormat } from "./embedding.ts";
import { base64OfVector, vectorIn } from "./vectors.ts";

/** The longest vector that is written anew; no model's comes near it. */
const mostVectorBytes = 4 * 1024 * 1024;

/** The key. In a text its quotes would be escaped; as a value it has no colon behind it. */
const key = Buffer.from('"embedding"');

/** Voyage and Mistral have the second of these, Jina the third. */
export const vectorKeys = bodyKeys("encoding_format", "output_dtype", "embedding_type");

/**
 * For a request of OpenAI's shape. Clients ask for vectors in base64, their SDK even unasked; some providers answer with numbers
 * all the same, and some the other way round. What is not of 32-bit floats is left alone.
 */
export function filterVectors(body: Buffer, fields: ScannedObject): StreamFilter | undefined {
  const kind = wordAt(body, fields.get("output_dtype") ?? fields.get("embedding_type"));
  const format = wordAt(body, fields.get("encoding_format"));
  if (kind !== "float" || (format !== "float" && format !== "base64")) return undefined;
  return createVectorFilter(format);
}

const letterN = 0x6e;

/** What is meant by nothing is `float`; a list of words is no word. */
function wordAt(body: Buffer, span: Span | undefined): string {
  if (span === undefined || body[span.start] === letterN) return "float"; // `null`
  return readString(body, span) ?? "";
}

/**
 * Writes the vectors of a reply in the format that was asked for; all other bytes go on unchanged.
 *
 * States: *reading* – keys are looked for; a vector that is not there to its end is held, from its key on. *passing* – all goes on
 * as it comes. What leads from reading to passing is a first vector that is as it was asked for, or one too long to be one.
 */
export function createVectorFilter(format: VectorFormat): StreamFilter {
  let held: Buffer = Buffer.alloc(0);
  let passing = false;
  let isFirst = true;

  /** What is written in place of a vector; undefined for one that stays. */
  function replacement(bytes: Buffer, vector: VectorSpan): Buffer | undefined {
    passing = isFirst && vector.format === format;
    isFirst = false;
    return vector.format === format ? undefined : rewritten(bytes.subarray(vector.start, vector.end), format);
  }

  function read(bytes: Buffer): Buffer {
    const parts: Buffer[] = [];
    let from = 0; // what lies before is in the parts
    let at = 0;
    while (!passing) {
      at = bytes.indexOf(key, at);
      if (at < 0) break;
      const found = vectorBehind(bytes, at + key.length);
      if (found === "unfinished") {
        passing = bytes.length - at > mostVectorBytes;
        break;
      }
      at += key.length;
      if (found === "none") continue;
      const written = replacement(bytes, found);
      at = found.end;
      if (written === undefined) continue;
      parts.push(bytes.subarray(from, found.start), written);
      from = found.end;
    }
    const holdFrom = passing ? bytes.length : at < 0 ? Math.max(from, bytes.length - key.length + 1) : at;
    parts.push(bytes.subarray(from, holdFrom));
    held = bytes.subarray(holdFrom);
    return parts.length === 1 ? (parts[0] ?? bytes) : Buffer.concat(parts);
  }

  return {
    push(chunk) {
      if (passing) return chunk;
      return read(held.length === 0 ? chunk : Buffer.concat([held, chunk]));
    },
    end: () => held,
  };
}

interface VectorSpan extends Span {
  readonly format: VectorFormat;
}

/** The vector that is the value of the key that ends at `from`. */
function vectorBehind(bytes: Buffer, from: number): VectorSpan | "none" | "unfinished" {
  const colon = skipSpace(bytes, from);
  if (colon === bytes.length) return "unfinished";
  if (bytes[colon] !== ascii.colon) return "none";
  const start = skipSpace(bytes, colon + 1);
  if (start === bytes.length) return "unfinished";
  const isText = bytes[start] === ascii.quote;
  if (!isText && bytes[start] !== ascii.openBracket) return "none";
  const close = bytes.indexOf(isText ? ascii.quote : ascii.closeBracket, start + 1);
  return close < 0 ? "unfinished" : { start, end: close + 1, format: isText ? "base64" : "float" };
}

function rewritten(value: Buffer, format: VectorFormat): Buffer | undefined {
  const vector = vectorIn(parsed(value));
  if (vector === undefined) return undefined;
  return Buffer.from(JSON.stringify(format === "base64" ? base64OfVector(vector) : vector));
}

function parsed(value: Buffer): unknown {
  try {
    return JSON.parse(value.toString("latin1"));
  } catch {
    return undefined;
  }
}
