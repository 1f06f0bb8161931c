/**
 * How often a property is tried: so many times, or `PORTCULLIS_TEST_RUNS` as many. What fails is printed by fast-check with the
 * seed and the path that it can be tried with again.
 */
export function runs(usual: number): { readonly numRuns: number } {
  return { numRuns: usual * Number(process.env["PORTCULLIS_TEST_RUNS"] ?? 1) };
}
