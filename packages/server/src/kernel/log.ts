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
