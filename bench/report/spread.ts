import { median } from "../statistics.ts";

/** "12.3 (11.0–15.2)": the median, the lowest and the highest; the value alone if there is one, "–" if there is none. */
export function spread(values: readonly (number | undefined)[], digits: number): string {
  const known = values.filter((value) => value !== undefined);
  if (known.length === 0) return "–";
  const middle = write(median(known), digits);
  if (known.length === 1) return middle;
  return `${middle} (${write(Math.min(...known), digits)}–${write(Math.max(...known), digits)})`;
}

export function write(value: number, digits: number): string {
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A row of a Markdown table. */
export function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** The two lines above the rows: the first column is text, all others are figures. */
export function head(headings: readonly string[]): string[] {
  return [row(headings), row(headings.map((_, index) => (index === 0 ? "---" : "--:")))];
}
