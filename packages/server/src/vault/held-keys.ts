import { AppError } from "../kernel/errors.ts";
import type { Keyring } from "./keyring.ts";
import type { StoredKeys, VaultStore } from "./store.ts";

/*
 * The keyring of an unsealed vault. It is exchanged for another when the stored keys have changed, by this instance or by
 * another; the former one is wiped at once. So whoever waits for anything takes the ring afterwards, not before.
 *
 *   same root key      what is stored by now is opened with it
 *   another root key   another instance has put it in force: the vault is opened anew with what this instance was started
 *                      with. If that does not do, the old ring stays: the KEKs in it are still the right ones, so values
 *                      open and are sealed as before, while nothing can be added to the keys (`vault_root_replaced`).
 */

export interface HeldKeys {
  readonly present: Keyring | undefined;
  /** Throws `vault_sealed`. */
  ring(): Keyring;
  /** Takes a ring over; of two with the same root key, the one that is held already stays. Whether none was held before. */
  install(ring: Keyring): boolean;
  /** Wipes it; whether there was one. */
  wipe(): boolean;
  /** Reads the stored keys and holds these from now on. Throws `vault_sealed`, `vault_root_replaced`. */
  renew(): Promise<StoredKeys>;
}

/** `reopen` opens what is stored with what this instance was started with, if it can. */
export function holdKeys(
  store: Pick<VaultStore, "loadKeys">,
  reopen: (stored: StoredKeys) => Promise<Keyring | undefined>,
): HeldKeys {
  let held: Keyring | undefined;
  let last: Promise<unknown> = Promise.resolve();

  function ring(): Keyring {
    if (held === undefined) throw new AppError("vault_sealed");
    return held;
  }

  function exchange(next: Keyring): void {
    const former = held;
    held = next;
    former?.wipe();
  }

  async function renewOnce(): Promise<StoredKeys> {
    ring();
    const stored = await store.loadKeys();
    if (stored.epoch < ring().epoch) return stored; // read before the root key in memory came into force
    if (stored.epoch === ring().epoch) exchange(ring().renewed(stored));
    else await follow(stored);
    return stored;
  }

  async function follow(stored: StoredKeys): Promise<void> {
    const next = await reopen(stored).catch((error: unknown) => {
      throw new AppError("vault_root_replaced", {}, { cause: error });
    });
    if (next === undefined) throw new AppError("vault_root_replaced");
    if (held === undefined || held.epoch >= next.epoch) next.wipe();
    else exchange(next);
    ring();
  }

  return {
    get present() {
      return held;
    },
    ring,
    install(next) {
      const wasSealed = held === undefined;
      if (wasSealed || next.epoch > ring().epoch) exchange(next);
      else next.wipe();
      return wasSealed;
    },
    wipe() {
      const former = held;
      held = undefined;
      former?.wipe();
      return former !== undefined;
    },
    // In turn: what was read earlier must not take the place of what was read later.
    renew() {
      const result = last.then(renewOnce);
      last = result.catch(() => undefined);
      return result;
    },
  };
}
