import { fitText, printable, textWidth } from "./text-width.ts";

type Cell = string | number | boolean | null | undefined;

export interface Column<Row> {
  readonly heading: string;
  value(row: Row): Cell;
  /** Numbers stand to the right. */
  readonly align?: "left" | "right";
}

const gap = "  ";
const narrowest = 6;

/**
 * Rows under headings, each column as wide as its widest cell. Where that is wider than `maxWidth`, the widest columns
 * give way first, down to a few characters each.
 */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], maxWidth: number): string {
  const headings = columns.map((column) => column.heading);
  const cells = rows.map((row) => columns.map((column) => showCell(column.value(row))));
  const lines = [headings, ...cells];
  const natural = columns.map((_column, index) => Math.max(...lines.map((line) => textWidth(line[index] ?? ""))));
  const widths = shrink(natural, maxWidth - gap.length * (columns.length - 1));
  return lines
    .map((line) =>
      columns.map((column, index) => fitText(line[index] ?? "", widths[index] ?? 0, column.align)).join(gap),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

/** One thing as lines of name and value. */
export function formatRecord(fields: Readonly<Record<string, Cell>>): string {
  const names = Object.keys(fields);
  const width = Math.max(...names.map((name) => textWidth(name)));
  return names.map((name) => `${fitText(name, width)}${gap}${showCell(fields[name])}`.trimEnd() + "\n").join("");
}

function showCell(cell: Cell): string {
  if (cell === null || cell === undefined || cell === "") return "-";
  if (typeof cell === "boolean") return cell ? "yes" : "no";
  return printable(String(cell));
}

function shrink(natural: readonly number[], available: number): readonly number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, width) => sum + width, 0) - available;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= narrowest) break;
    widths[widths.indexOf(widest)] = widest - 1;
    excess -= 1;
  }
  return widths;
}

/** `2026-01-31 08:00:00Z` of an API time; `-` of none. */
export function dayAndTime(time: string | null | undefined): string {
  return time === null || time === undefined ? "-" : time.replace("T", " ").replace(/\.\d+Z$/, "Z");
}
