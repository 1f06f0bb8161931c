import { AppError } from "../../kernel/errors.ts";
import type { JsonObject } from "./conversation.ts";

/*
 * Reading what callers sent: each says what is wrong and where, in the words of the path that the caller wrote, or gives the
 * value with its type. What is absent (or `null`, which most clients mean by it) is undefined. For what providers send there is
 * `counter.ts`, which never complains.
 */

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function invalid(path: string, problem: string): AppError {
  return new AppError("invalid_request", { problem: `\`${path}\` ${problem}` });
}

export function objectAt(value: unknown, path: string): JsonObject {
  if (isObject(value)) return value;
  throw invalid(path, "must be an object");
}

export function listAt(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw invalid(path, "must be a list");
}

export function textAt(value: unknown, path: string): string {
  if (typeof value === "string") return value;
  throw invalid(path, "must be a string");
}

export function optionalObject(value: unknown, path: string): JsonObject | undefined {
  return value === undefined || value === null ? undefined : objectAt(value, path);
}

export function optionalList(value: unknown, path: string): readonly unknown[] {
  return value === undefined || value === null ? [] : listAt(value, path);
}

export function optionalText(value: unknown, path: string): string | undefined {
  return value === undefined || value === null ? undefined : textAt(value, path);
}

export function optionalNumber(value: unknown, path: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number") return value; // JSON has no number that is not finite
  throw invalid(path, "must be a number");
}

/** A count: a whole number, not below zero. */
export function optionalCount(value: unknown, path: string): number | undefined {
  const number = optionalNumber(value, path);
  if (number === undefined || (Number.isSafeInteger(number) && number >= 0)) return number;
  throw invalid(path, "must be a whole number, 0 or more");
}

export function optionalFlag(value: unknown, path: string): boolean | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "boolean") return value;
  throw invalid(path, "must be true or false");
}

/** One text, or several. */
export function textsAt(value: unknown, path: string): readonly string[] {
  if (value === undefined || value === null) return [];
  if (typeof value === "string") return [value];
  return listAt(value, path).map((each, index) => textAt(each, `${path}[${index}]`));
}

/** Only what is there: an object without the keys whose value is undefined. */
export function present<T extends object>(fields: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(kept) as { [Key in keyof T]: Exclude<T[Key], undefined> };
}

/**
 * The arguments of a call as an object, to be written and not to be looked into; undefined if they are none. No arguments at all
 * are an empty object. Numbers that would be written in another way than they came (`1.0`, twenty digits) are kept as they are.
 */
export function argumentsObject(text: string): JsonObject | undefined {
  if (text.trim() === "") return {};
  try {
    const value: unknown = oddNumber.test(text) ? exactJson.parse(text, asWritten) : JSON.parse(text);
    return isObject(value) && !exactJson.isRawJSON(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What may be a number that is not written as JavaScript would write it. */
const oddNumber = /\d[.eE]\d|\d[eE][+-]|-0|\d{16}/;

/** What the engine has, and the types do not yet: https://tc39.es/proposal-json-parse-with-source */
interface ExactJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): boolean;
}

const exactJson = JSON as unknown as ExactJson;

function asWritten(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  if (typeof value !== "number" || source === undefined || String(value) === source) return value;
  return exactJson.rawJSON(source);
}
