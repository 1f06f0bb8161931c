import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { costMicros, formatUsd, formatUsdPlain } from "./money.ts";

test("a cost is the exact sum, rounded once, half up, however large", () => {
  const item = fc.record({ amount: fc.nat(2_000_000_000), perMillion: fc.nat(1_000_000_000) });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 8 }), (items) => {
      const exact = items.reduce((sum, { amount, perMillion }) => sum + BigInt(amount) * BigInt(perMillion), 0n);
      assert.equal(costMicros(items), Number((exact + 500_000n) / 1_000_000n));
    }),
  );
  assert.equal(costMicros([{ amount: 1, perMillion: 500_000 }]), 1);
  assert.equal(costMicros([{ amount: 1, perMillion: 499_999 }]), 0);
  assert.equal(costMicros([]), 0);
});

test("money reads as dollars with as many decimals as it needs", () => {
  assert.deepEqual([0, 1, 1_701, 1_500_000, 12_340_000, -250_000].map(formatUsd), [
    "$0.00",
    "$0.000001",
    "$0.001701",
    "$1.50",
    "$12.34",
    "-$0.25",
  ]);
  assert.equal(formatUsdPlain(123), "0.000123");
});
