import { validateHeaderName, validateHeaderValue } from "node:http";
import { AppError } from "../kernel/errors.ts";
import type { TokenUsage } from "../kernel/tokens.ts";
import { isInteger, isObject, type JsonObject } from "./wire.ts";

/**
 * How the simulator is to behave towards one request; everything is optional. A script comes as JSON in the
 * request header `x-simulator` (see `scriptHeaders`) or from a scenario; the header wins, field by field.
 * In JSON the names are in snake_case: `{"status": 429, "retry_after_seconds": 2}`.
 */
export interface Script {
  // Instead of an answer
  /** Refuse with this status and the vendor's error body. */
  readonly status?: number;
  /** The sentence, type and code in that error body, where the vendor's own will not do. */
  readonly message?: string;
  readonly errorType?: string;
  readonly errorCode?: string;
  /** Repeat the caller's API key in the error message, as careless upstreams do. */
  readonly echoKey?: boolean;
  /** Send this body as it is (an HTML page, broken JSON), with `contentType`. */
  readonly body?: string;
  readonly contentType?: string;
  /** Adds `retry-after`. */
  readonly retryAfterSeconds?: number;
  /** Redirect to this address; with `status`, or 307. */
  readonly redirect?: string;
  /** Take the request and never answer. */
  readonly hang?: boolean;

  // What the answer says
  /** The text, word for word; it is not cut at `max_tokens`, nor is a text of scripted size. */
  readonly text?: string;
  /** A made-up text of this many bytes. */
  readonly textBytes?: number;
  /** Split the text into this many deltas. */
  readonly deltas?: number;
  /** Exactly these tool calls, in one turn; an empty list for none. */
  readonly toolCalls?: readonly ScriptedCall[];
  /** The reported token counts, where they must be exact. Counters left out stay as worked out. */
  readonly usage?: Partial<TokenUsage>;
  /** Leave out the usage, or the end marker (`message_stop`, `[DONE]`, `response.completed`). */
  readonly omit?: readonly ("usage" | "end")[];
  /** Do not check the request. */
  readonly lenient?: boolean;
  /** Answer a streamed request with JSON. */
  readonly json?: boolean;

  // How it is sent
  /** Wait before the response head. */
  readonly delayMs?: number;
  /** Wait between events. */
  readonly paceMs?: number;
  /** `burst` sends everything in one write (unless paced, the default), `event` makes one write per event. */
  readonly writes?: "burst" | "event";
  /** Write the body in pieces of this many bytes, wherever that cuts. */
  readonly chunkBytes?: number;
  /** Line ending of the stream. */
  readonly newline?: "lf" | "crlf" | "cr";
  /** Begin the stream with a byte order mark. */
  readonly bom?: boolean;
  /** A comment line before every event. */
  readonly comments?: boolean;
  /** Compress the body, whatever the client accepts. */
  readonly gzip?: boolean;
  /** More response headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Pad the response head by about this many bytes. */
  readonly headerBytes?: number;

  // How it goes wrong
  /** Stream this many events, then the vendor's error event (`status` tells which; 529 by default). */
  readonly errorAtEvent?: number;
  /**
   * Break the response off: `reset` sends a TCP reset, `close` closes the connection, `end` ends the body as if it
   * were complete, `stall` goes silent. It happens after so many events or bytes of the plain body (0 is right after
   * the head), and where neither is given, before the head.
   */
  readonly drop?: "reset" | "close" | "end" | "stall";
  readonly dropAtEvent?: number;
  readonly dropAtByte?: number;
}

export interface ScriptedCall {
  readonly name: string;
  /** Arguments of a function, or the raw text of a custom tool. */
  readonly arguments: JsonObject | string;
  /** Responses only: the namespace the tool is in. */
  readonly namespace?: string;
}

/** What an option's value must be, and how that is said. */
export type Rule = readonly [holds: (value: unknown) => boolean, expected: string];

export const text: Rule = [(value) => typeof value === "string", "a string"];
const flag: Rule = [(value) => typeof value === "boolean", "true or false"];
const count: Rule = [(value) => isInteger(value), "a whole number, 0 or more"];
const size: Rule = [(value) => isInteger(value, 1), "a whole number, 1 or more"];
const header: Rule = [(value) => isHeader("x-any", value), "a string that may stand in a header"];
const headers: Rule = [
  (value) => isObject(value) && Object.entries(value).every(([name, one]) => isHeader(name, one)),
  "an object of header names and values",
];
const oneOf = (...names: readonly string[]): Rule => [
  (value) => names.some((name) => name === value),
  names.join(", "),
];

const scriptRules: { readonly [Option in keyof Required<Script>]: Rule } = {
  status: [(value) => isInteger(value, 200) && value <= 599, "an HTTP status from 200 to 599"],
  message: text,
  errorType: text,
  errorCode: text,
  echoKey: flag,
  body: text,
  contentType: header,
  retryAfterSeconds: count,
  redirect: header,
  hang: flag,
  text,
  textBytes: count,
  deltas: size,
  toolCalls: [(value) => Array.isArray(value) && value.every(isCall), "a list of {name, arguments}"],
  usage: [(value) => isObject(value) && Object.entries(value).every(isCounter), "an object of token counters"],
  omit: [
    (value) => Array.isArray(value) && value.every((one) => one === "usage" || one === "end"),
    "a list of usage, end",
  ],
  lenient: flag,
  json: flag,
  delayMs: count,
  paceMs: count,
  writes: oneOf("burst", "event"),
  chunkBytes: size,
  newline: oneOf("lf", "crlf", "cr"),
  bom: flag,
  comments: flag,
  gzip: flag,
  headers,
  headerBytes: count,
  errorAtEvent: count,
  drop: oneOf("reset", "close", "end", "stall"),
  dropAtEvent: count,
  dropAtByte: count,
};

const counters: readonly string[] = ["input", "output", "cacheRead", "cacheWrite", "cacheWrite1h", "reasoning"];

function isHeader(name: string, value: unknown): boolean {
  if (typeof value !== "string") return false;
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}

function isCall(value: unknown): boolean {
  if (!isObject(value) || typeof value["name"] !== "string") return false;
  return typeof value["arguments"] === "string" || isObject(value["arguments"]);
}

function isCounter([name, value]: readonly [string, unknown]): boolean {
  return counters.includes(name) && isInteger(value);
}

/** A script from JSON. Throws `invalid_request` that names the option that is wrong. */
export function parseScript(json: unknown): Script {
  return parseOptions(json, scriptRules, "script") as Script; // every option has passed its rule
}

/** An object whose every option has passed its rule, with the names in camel case. Throws `invalid_request`. */
export function parseOptions(json: unknown, rules: { readonly [option: string]: Rule }, what: string): JsonObject {
  if (!isObject(json)) throw unusable(`the simulator's ${what} must be a JSON object`);
  const result: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(json)) {
    const option = camelCase(name);
    const rule = Object.hasOwn(rules, option) ? rules[option] : undefined;
    if (rule === undefined) throw unusable(`the simulator's ${what} has no option \`${name}\``);
    const value = option === "usage" ? renamed(given, camelCase) : given;
    if (!rule[0](value)) throw unusable(`the simulator's option \`${name}\` must be ${rule[1]}`);
    result[option] = value;
  }
  return result;
}

export function unusable(problem: string): AppError {
  return new AppError("invalid_request", { problem });
}

/** The request header that carries a script. */
export function scriptHeaders(script: Script): { readonly "x-simulator": string } {
  const wire = Object.entries(script).map(([name, value]) => [
    snakeCase(name),
    name === "usage" ? renamed(value, snakeCase) : value,
  ]);
  return { "x-simulator": asciiJson(Object.fromEntries(wire)) };
}

/** JSON that may stand in a header: what is not ASCII is escaped. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]|\d+/g, (part) => `_${part.toLowerCase()}`);
}

function renamed(value: unknown, rename: (name: string) => string): unknown {
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(([name, one]) => [rename(name), one])) : value;
}
