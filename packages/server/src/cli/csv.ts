type Cell = string | number | boolean | null | undefined;

/**
 * Comma-separated values (RFC 4180). Text that a spreadsheet would take for a formula gets a leading apostrophe: the
 * names in it came from callers.
 */
export function formatCsv<Row extends Readonly<Record<string, Cell>>>(
  names: readonly (keyof Row & string)[],
  rows: readonly Row[],
): string {
  const lines = [names.map(escapeCell), ...rows.map((row) => names.map((name) => escapeCell(row[name])))];
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}

function escapeCell(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  if (typeof cell !== "string") return String(cell);
  const harmless = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
