/** What a set of times is told by. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/**
 * Keeps every value, so that percentiles are exact: runs are short. Past its room (8 bytes a value) it keeps every second
 * one, then every fourth, and so on, which spreads what is dropped evenly over the run.
 */
export class Recorder {
  readonly #values: Float64Array;
  #used = 0;
  #stride = 1;
  #skip = 0;

  constructor(room = 1_000_000) {
    this.#values = new Float64Array(room);
  }

  add(value: number): void {
    if (this.#skip > 0) {
      this.#skip -= 1;
      return;
    }
    if (this.#used === this.#values.length) this.#thin();
    this.#values[this.#used] = value;
    this.#used += 1;
    this.#skip = this.#stride - 1;
  }

  /** `undefined` if nothing was added. */
  percentiles(): Percentiles | undefined {
    if (this.#used === 0) return undefined;
    const sorted = this.#values.slice(0, this.#used).sort();
    return {
      p50: percentile(sorted, 0.5),
      p99: percentile(sorted, 0.99),
      p999: percentile(sorted, 0.999),
      max: sorted.at(-1) ?? Number.NaN,
    };
  }

  #thin(): void {
    this.#used = Math.ceil(this.#used / 2);
    for (let index = 1; index < this.#used; index += 1) this.#values[index] = this.#values[index * 2] ?? 0;
    this.#stride *= 2;
  }
}

/** The smallest value that so large a share of all is not above (nearest rank). */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.ceil(sorted.length * share);
  return sorted[Math.max(0, rank - 1)] ?? Number.NaN;
}

/** Of any order; the mean of the middle two where there is no middle one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** How much `y` grows with one of `x`: least squares. NaN for fewer than two points. */
export function slope(points: readonly { readonly x: number; readonly y: number }[]): number {
  if (points.length < 2) return Number.NaN;
  const mean = (of: (point: { readonly x: number; readonly y: number }) => number): number =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [meanX, meanY] = [mean(({ x }) => x), mean(({ y }) => y)];
  const covariance = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  return covariance / points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
}
