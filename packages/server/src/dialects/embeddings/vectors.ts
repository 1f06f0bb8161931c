import type { UpstreamFailure } from "../canonical/reply.ts";
import { brokenVectors } from "./embedding.ts";

const floatBytes = Float32Array.BYTES_PER_ELEMENT;

/** The numbers as little-endian 32-bit floats, in base64 (RFC 4648 §4). */
export function base64OfVector(vector: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(vector.length * floatBytes);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * floatBytes);
  return bytes.toString("base64");
}

/** Undefined for what is no such text. */
export function vectorOfBase64(text: string): readonly number[] | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64");
  if (bytes.length === 0 || bytes.length % floatBytes !== 0) return undefined;
  const vector = Array.from({ length: bytes.length / floatBytes }, (_, index) => bytes.readFloatLE(index * floatBytes));
  return vector.every(Number.isFinite) ? vector : undefined; // JSON has no other numbers
}

/** A vector, however it was written; undefined if it is none. */
export function vectorIn(value: unknown): readonly number[] | undefined {
  if (typeof value === "string") return vectorOfBase64(value);
  const isVector = Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === "number");
  return isVector ? value : undefined;
}

/** A vector for each of the inputs, or what is wrong. */
export function allVectors(
  values: readonly unknown[],
  inputs: number,
): readonly (readonly number[])[] | UpstreamFailure {
  if (values.length !== inputs) return brokenVectors(`has ${values.length} vectors for ${inputs} texts`);
  const vectors: (readonly number[])[] = [];
  for (const value of values) {
    const vector = vectorIn(value);
    if (vector === undefined) return brokenVectors("has a vector that is none");
    vectors.push(vector);
  }
  return vectors;
}
