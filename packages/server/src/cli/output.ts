import { withoutKeys } from "../kernel/key-shapes.ts";
import { formatCsv } from "./csv.ts";
import type { OutputStream } from "./parts.ts";
import { formatRecord, formatTable, type Column } from "./table.ts";
import { printable } from "./text-width.ts";

/** Everything the command line prints. Results go to standard output, remarks and errors to standard error. */
export interface Output {
  /** A line that is part of the result. */
  line(text: string): void;
  /** Text that is the result as it stands: a script, a YAML document. */
  raw(text: string): void;
  json(value: unknown): void;
  /** A table no wider than the terminal; in full where there is none. */
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void;
  record(fields: Parameters<typeof formatRecord>[0]): void;
  csv: <Row extends Parameters<typeof formatCsv>[1][number]>(
    names: readonly (keyof Row & string)[],
    rows: readonly Row[],
  ) => void;
  /** A remark that is not part of the result. */
  note(text: string): void;
  error(message: string, hint?: string): void;
}

export function createOutput(stdout: OutputStream, stderr: OutputStream): Output {
  return {
    line: (text) => void stdout.write(`${printable(text)}\n`),
    raw: (text) => void stdout.write(text.endsWith("\n") ? text : `${text}\n`),
    json: (value) => void stdout.write(`${JSON.stringify(value, null, 2).split("\n").map(printable).join("\n")}\n`),
    table: (columns, rows) => void stdout.write(formatTable(columns, rows, terminalWidth(stdout))),
    record: (fields) => void stdout.write(formatRecord(fields)),
    csv: (names, rows) => void stdout.write(formatCsv(names, rows)),
    note: (text) => void stderr.write(`${printable(text)}\n`),
    error(message, hint) {
      stderr.write(`error: ${asMessage(withoutKeys(message))}\n`);
      if (hint !== undefined) stderr.write(`hint: ${asMessage(withoutKeys(hint))}\n`);
    },
  };
}

function terminalWidth(stream: OutputStream): number {
  return stream.isTTY === true ? Math.max(40, stream.columns ?? 80) : Number.POSITIVE_INFINITY;
}

/** A message of several lines stays one, with its further lines indented, so that none can pass for a hint. */
function asMessage(text: string): string {
  const [first = "", ...further] = text.trim().replace(/\.$/, "").split("\n").map(printable);
  return [first, ...further.map((line) => `  ${line.trimStart()}`)].join("\n");
}
