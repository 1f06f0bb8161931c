import type { Clock } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import type { Log } from "../../kernel/log.ts";
import type { HeldKeys } from "../held-keys.ts";
import { keySizeBytes, systemRandom, wipe } from "../key-material.ts";
import { keyPurposes, type KeyPurpose } from "../keyring.ts";
import { discardSlots, discardUnstored, type OpeningOptions } from "../opening.ts";
import type { StoredKeys, StoredSlot, VaultStore } from "../store.ts";
import type { Rewrapping } from "./rewrapping.ts";
import { makeStagedRoot, proveStagedRoot, type RootGiven } from "./staged-root.ts";

/*
 * Changes of the keys themselves. Each begins with the keys as they are stored now, so an instance that is behind another
 * catches up or is told (`vault_root_replaced`), stores what it adds in one step with the epoch that it was wrapped in, and
 * holds it in memory only once it is stored.
 *
 * The root key: in force ── stage ─► in force, another staged ── confirm ─► the other is in force
 *                                        └── cancel ─► as before
 *
 * While one is staged nothing else of the keys changes (`vault_root_staged`): it would be missing from what was staged, and
 * a slot that was removed would come back.
 */

export interface KeyChanges {
  /** The number of the new term. Re-wrapping goes on in the background. */
  rotateKek(): Promise<{ readonly term: number }>;
  /** The new version. */
  rotateNamedKey(purpose: KeyPurpose): Promise<number>;
  dropNamedKey(purpose: KeyPurpose, version: number): Promise<void>;
  stageRoot(given: RootGiven): Promise<readonly StoredSlot[]>;
  confirmRoot(given: RootGiven): Promise<void>;
  cancelRoot(): Promise<void>;
  /** The keys as they are stored, held in memory; throws what a change of them is refused with. */
  current(): Promise<StoredKeys>;
}

interface Parts {
  readonly store: VaultStore;
  readonly keys: HeldKeys;
  readonly rewrapping: Rewrapping;
  readonly options: OpeningOptions;
  readonly clock: Clock;
  readonly log?: Log | undefined;
}

export function createKeyChanges(parts: Parts): KeyChanges {
  return new Changes(parts);
}

class Changes implements KeyChanges {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async current(): Promise<StoredKeys> {
    const stored = await this.#parts.keys.renew();
    if (stored.staged !== undefined) throw new AppError("vault_root_staged");
    return stored;
  }

  async rotateKek(): Promise<{ term: number }> {
    const { store, keys, rewrapping, clock } = this.#parts;
    const { epoch } = await this.current();
    const added = keys.ring().newTerm(keys.ring().newestTerm + 1);
    await store.addTerm(added, epoch, clock.now());
    await keys.renew();
    rewrapping.begin();
    return { term: added.term };
  }

  async rotateNamedKey(purpose: KeyPurpose): Promise<number> {
    const { store, keys, clock } = this.#parts;
    const { epoch } = await this.current();
    await this.#storeDerived([purpose], epoch);
    const version = keys.ring().namedKey(purpose).version + 1;
    const key = systemRandom(keySizeBytes);
    try {
      await store.addNamedKey(keys.ring().wrapNamedKey(purpose, version, key, clock.now()), epoch);
    } finally {
      wipe(key);
    }
    await keys.renew();
    return version;
  }

  async dropNamedKey(purpose: KeyPurpose, version: number): Promise<void> {
    const { store, keys } = this.#parts;
    await this.current();
    if (keys.ring().namedVersions(purpose).at(-1) === version) {
      const problem = `version ${version} of the key \`${purpose}\` is the one in use`;
      throw new AppError("invalid_request", { problem });
    }
    await store.removeNamedKey(purpose, version);
    await keys.renew();
  }

  async stageRoot(given: RootGiven): Promise<readonly StoredSlot[]> {
    const { store, keys, options, clock } = this.#parts;
    await this.#storeDerived(keyPurposes, (await this.current()).epoch);
    const stored = await this.current();
    const ring = (): ReturnType<HeldKeys["ring"]> => keys.ring();
    const staged = await makeStagedRoot(stored, given, { ring, options, nowMs: clock.now() });
    try {
      await store.stageRoot(staged, stored.epoch);
    } catch (error) {
      await discardUnstored(staged.slots, store, options);
      throw error;
    }
    return staged.slots;
  }

  async confirmRoot(given: RootGiven): Promise<void> {
    const { store, keys, options, log } = this.#parts;
    const { staged, slots, epoch } = await keys.renew();
    if (staged === undefined) throw new AppError("vault_root_not_staged");
    const next = await proveStagedRoot(staged, given, { ring: () => keys.ring(), options });
    try {
      await store.confirmRoot(epoch);
    } catch (error) {
      next.wipe();
      throw error;
    }
    if (keys.present === undefined)
      next.wipe(); // sealed meanwhile, and it stays so
    else keys.install(next);
    await discardSlots(slots, options);
    log?.info({ epoch: epoch + 1 }, "the vault has a new root key");
  }

  async cancelRoot(): Promise<void> {
    const { store, keys, options } = this.#parts;
    const { staged } = await keys.renew();
    await store.cancelRoot();
    const { slots } = await store.loadKeys(); // another instance may have confirmed it meanwhile
    const isGone = ({ id }: StoredSlot): boolean => !slots.some((slot) => slot.id === id);
    await discardSlots((staged?.slots ?? []).filter(isGone), options);
  }

  /** So that they outlast the root key that they are derived from. */
  async #storeDerived(purposes: readonly KeyPurpose[], epoch: number): Promise<void> {
    const { store, keys, clock } = this.#parts;
    const derived = purposes.filter((purpose) => keys.ring().isDerived(purpose));
    for (const purpose of derived) {
      const { version, key } = keys.ring().namedKey(purpose);
      try {
        await store.addNamedKey(keys.ring().wrapNamedKey(purpose, version, key, clock.now()), epoch);
      } finally {
        wipe(key);
      }
    }
    if (derived.length > 0) await keys.renew();
  }
}
