import { isoTime, type Clock } from "./clock.ts";
import { withoutKeys } from "./key-shapes.ts";

/** A log line's fields. Values are plain data; a `Secret` among them prints as `[secret]`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Where modules write to the operator's log. `compose` supplies the real one; tests may keep the lines. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

/** A log that keeps nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

const levels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof levels)[number];

/** Read for each line, so that level and format may change while the log is in use. */
export interface LogOptions {
  /** Lines below this level are not written. */
  readonly level: LogLevel;
  /** `json`: one object a line, for machines. `pretty`: time, level, message, fields, for a terminal. */
  readonly format: "json" | "pretty";
  readonly clock: Clock;
  readonly write: (line: string) => void;
}

export function createLog(options: LogOptions): Log {
  const at = (level: LogLevel) => (fields: LogFields, message: string) => {
    if (levels.indexOf(level) < levels.indexOf(options.level)) return;
    const format = options.format === "json" ? jsonLine : prettyLine;
    options.write(format(options.clock.now(), level, message, fields));
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function jsonLine(timeMs: number, level: LogLevel, message: string, fields: LogFields): string {
  return `${printable(JSON.stringify({ time: isoTime(timeMs), level, message, ...fields }, presentable))}\n`;
}

function prettyLine(timeMs: number, level: LogLevel, message: string, fields: LogFields): string {
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${JSON.stringify(value, presentable)}`);
  return `${isoTime(timeMs).slice(11, 23)} ${level.padEnd(5)} ${printable(message + pairs.join(""))}\n`;
}

const longestText = 2_000;

function presentable(_name: string, value: unknown): unknown {
  const text = value instanceof Error ? value.message : value;
  if (typeof text !== "string") return value;
  const shown = withoutKeys(text);
  return shown.length > longestText ? `${shown.slice(0, longestText)}…` : shown;
}

/** Escapes control characters and those that turn the direction of writing: a line stays a line and reads as it is. */
function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
