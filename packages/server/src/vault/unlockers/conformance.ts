import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { systemRandom } from "../key-material.ts";
import type { SlotKind, Unlocker } from "./unlocker.ts";

/** What the suite needs of an unlocker: made anew with the same secret, and with another. */
export interface UnlockerSubject {
  readonly name: string;
  readonly kind: SlotKind;
  readonly skip?: string | false;
  readonly same: () => Promise<Unlocker>;
  readonly other: () => Promise<Unlocker>;
}

/** What every unlocker promises. */
export function unlockerConformance({ name, kind, skip = false, same, other }: UnlockerSubject): void {
  describe(`${name} keeps the promises of an unlocker`, { skip }, () => {
    const rootKey = systemRandom(32);

    test("what it wrapped opens again, and names its slot and kind", async () => {
      const slot = await (await same()).wrap("slot_1", rootKey);
      assert.deepEqual([slot.id, slot.kind, (await same()).kind], ["slot_1", kind, kind]);
      assert.equal(typeof JSON.parse(slot.params), "object");
      assert.deepEqual(await (await same()).unwrap(slot), rootKey);
      assert.ok(!Buffer.from(slot.wrapped).includes(rootKey), "the root key is not in it");
    });

    test("each wrapping is another", async () => {
      const unlocker = await same();
      const [one, two] = [await unlocker.wrap("slot_1", rootKey), await unlocker.wrap("slot_1", rootKey)];
      assert.notDeepEqual(one.wrapped, two.wrapped);
    });

    test("another secret does not open it", async () => {
      const slot = await (await same()).wrap("slot_1", rootKey);
      assert.equal(await (await other()).unwrap(slot), undefined);
    });

    test("it opens under no other id, kind or parameters, and with no byte changed or missing", async () => {
      const unlocker = await same();
      const slot = await unlocker.wrap("slot_1", rootKey);
      const otherKind = kind === "key-file" ? "environment" : "key-file";
      const altered = [
        { ...slot, id: "slot_2" },
        { ...slot, kind: otherKind } as const,
        { ...slot, params: `${slot.params} ` },
        { ...slot, wrapped: slot.wrapped.subarray(1) },
        ...[5, 50, 97].map((offset) => ({ ...slot, wrapped: changed(slot.wrapped, offset) })),
      ];
      for (const each of altered) assert.equal(await unlocker.unwrap(each), undefined, JSON.stringify(each));
    });
  });
}

function changed(bytes: Uint8Array, offset: number): Uint8Array {
  return bytes.with(offset, (bytes[offset] ?? 0) ^ 1);
}
