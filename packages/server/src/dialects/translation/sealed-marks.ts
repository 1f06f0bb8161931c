import { nextTurn, sliceBytes } from "../../kernel/turns.ts";
import { sealMark } from "../canonical/state-seal.ts";
import { isObject } from "../canonical/wire.ts";
import type { DialectId } from "../dialect.ts";
import { parsedJob } from "./parsed-job.ts";

/*
 * A client that spoke to another provider before brings that one's reasoning states in our envelopes. Where its request goes to
 * a provider of its own dialect, nothing of it is translated, but no provider may get an envelope: it would refuse the request.
 * So what holds one is taken out, and everything else stays as it was. That is rare, and the only case in which such a body is
 * parsed; but any caller can write the mark, so a large body is taken to another thread for it.
 */

const mark = Buffer.from(sealMark);
/** Node looks for up to seven bytes by the first of them alone, which is rare in text. Where it is not, that takes 8 ns a byte. */
const partOfMark = mark.subarray(1, 7);
/** Looking for all of the mark takes half a nanosecond a byte whatever the bytes are: 2 ms for so many. */
const turnBytes = 16 * sliceBytes;

/** At once, but for a large body. */
export function hasSealedMark(body: Buffer): boolean | Promise<boolean> {
  if (body.length > sliceBytes) return hasMarkInTurns(body);
  return body.includes(partOfMark) && body.includes(mark);
}

async function hasMarkInTurns(body: Buffer): Promise<boolean> {
  for (let start = 0; start < body.length; start += turnBytes) {
    if (start > 0) await nextTurn();
    // What begins here may end in the next part.
    if (body.subarray(start, start + turnBytes + mark.length - 1).includes(mark)) return true;
  }
  return false;
}

/** It can be cloned to another thread. */
export interface UnsealJob {
  /** The caller's body, which was found to be a JSON object. */
  readonly body: Uint8Array;
  readonly dialect: DialectId;
}

/** The same body, without our envelopes. */
export function withoutSealed({ body, dialect }: UnsealJob): { readonly body: Uint8Array } {
  return { body: Buffer.from(JSON.stringify(strip(parsedJob(body), dialect))) };
}

/** Where the dialects have a state. What begins like an envelope elsewhere is somebody's text. */
const stateFields: ReadonlySet<string> = new Set([
  "signature",
  "data",
  "encrypted_content",
  "thoughtSignature",
  "thought_signature",
]);

/** What Gemini takes for a signature that is not there; https://ai.google.dev/gemini-api/docs/thought-signatures, 2026. */
const noSignature = "skip_thought_signature_validator";

function strip(value: unknown, dialect: DialectId): unknown {
  if (Array.isArray(value)) return value.filter((each) => !isEnvelope(each)).map((each) => strip(each, dialect));
  if (!isObject(value)) return value;
  const kept = Object.entries(value).flatMap(([key, each]): readonly [string, unknown][] => {
    if (isNothingElse(each)) return [];
    if (!isSealed(key, each)) return [[key, strip(each, dialect)]];
    // A call without its signature is refused, so one is said to be missing.
    return dialect === "gemini" && "functionCall" in value ? [[key, noSignature]] : [];
  });
  return Object.fromEntries(kept);
}

/** A thinking block, a reasoning item or detail, or a turn of nothing else: nothing of it may stay without its state. */
function isEnvelope(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { type, role, content } = value;
  if (role !== undefined && isNothingElse(content)) return true;
  const isThinking = typeof type === "string" && /^(?:thinking|redacted_thinking|reasoning(?:\..+)?)$/.test(type);
  return isThinking && Object.entries(value).some(([key, each]) => isSealed(key, each));
}

function isNothingElse(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && value.every(isEnvelope);
}

function isSealed(key: string, value: unknown): boolean {
  return stateFields.has(key) && typeof value === "string" && value.startsWith(sealMark);
}
