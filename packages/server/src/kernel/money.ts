/**
 * Money is an integer number of micro-dollars (1 USD = 1 000 000). Prices are micro-dollars per million
 * tokens, so `tokens × price` is in units of 10⁻⁶ micro-dollar: sums are taken there, and rounded once.
 */
export type Micros = number;

/** An amount, and its price in micro-dollars per 10⁶ units, both whole. */
export interface CostItem {
  readonly amount: number;
  readonly perMillion: Micros;
}

/** What the given amounts cost, rounded half up to a whole micro-dollar. With `share`, a whole number of that part of it. */
export function costMicros(items: readonly CostItem[], share = 1): Micros {
  const divisor = 1_000_000 * share;
  let sum = 0;
  for (const { amount, perMillion } of items) sum += amount * perMillion;
  // Whole numbers: as long as their sum is exact, so was every step on the way.
  if (sum < Number.MAX_SAFE_INTEGER - divisor) return Math.floor((sum + divisor / 2) / divisor);
  let exact = 0n;
  for (const { amount, perMillion } of items) exact += BigInt(amount) * BigInt(perMillion);
  return Number((exact + BigInt(divisor / 2)) / BigInt(divisor));
}

/** `$0.000123`, `$12.34`: at least two decimals, as many as the value needs. */
export function formatUsd(micros: Micros): string {
  const sign = micros < 0 ? "-" : "";
  const whole = Math.floor(Math.abs(micros) / 1_000_000);
  const fraction = String(Math.abs(micros) % 1_000_000)
    .padStart(6, "0")
    .replace(/0{1,4}$/, "");
  return `${sign}$${whole}.${fraction}`;
}

/** Micro-dollars as a decimal number of dollars, exact to the micro-dollar. */
export function usd(micros: Micros): number {
  return Math.round(micros) / 1_000_000;
}

/** Micro-dollars as dollars with all six decimals and no sign: `0.000123`. For headers and CSV. */
export function formatUsdPlain(micros: Micros): string {
  return usd(micros).toFixed(6);
}
