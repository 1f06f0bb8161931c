import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../../kernel/clock.ts";
import { createTranslation } from "./translation.ts";

/** A vault that can be sealed by hand. */
function fakeVault() {
  const listeners = new Set<(sealed: boolean) => void>();
  return {
    namedKey: () => ({ version: 0, key: Buffer.alloc(32, 1) }),
    onChange(listener: (sealed: boolean) => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tell: (sealed: boolean) => [...listeners].map((listener) => listener(sealed)),
    listeners,
  };
}

test("nothing of what models thought stays in memory when the vault is sealed", async () => {
  const vault = fakeVault();
  const translation = createTranslation({ vault, clock: fakeClock() });
  translation.memory.remember("key_1", "call_1", [{ type: "thinking", text: "so" }]);
  vault.tell(false);
  assert.equal(translation.memory.of("key_1").size, 1);
  vault.tell(true);
  assert.equal(translation.memory.of("key_1").size, 0);
  await translation.close();
  assert.equal(vault.listeners.size, 0);
});

test("the key of the envelopes is not the vault's own, and the same at each start", async () => {
  const vault = fakeVault();
  const [one, other] = [1, 2].map(() => createTranslation({ vault, clock: fakeClock() }));
  assert.deepEqual(one?.sealKey(), other?.sealKey());
  assert.notDeepEqual(Buffer.from(one?.sealKey() ?? []), Buffer.alloc(32, 1));
  await Promise.all([one?.close(), other?.close()]);
});
