import { timingSafeEqual } from "node:crypto";
import { AppError } from "../../kernel/errors.ts";
import { newId } from "../../kernel/ids.ts";
import { keySizeBytes, systemRandom, wipe } from "../key-material.ts";
import { openKeyring, type Keyring } from "../keyring.ts";
import {
  discardSlots,
  startUnlockers,
  unsealUnlockers,
  unwrapRootKey,
  type OpeningOptions,
  type UnsealGiven,
} from "../opening.ts";
import type { RootWrapped, StoredKeys, StoredSlot } from "../store.ts";
import type { Unlocker, WrappedKey } from "../unlockers/index.ts";

/*
 * A root key that is to follow the present one. Every slot is made anew with the secret that opens it now, under an id of
 * its own, so that both root keys can be unlocked until one of them goes. A slot whose secret is not at hand is never left
 * out unasked: somebody may rely on it.
 */

/** What a person gives for slots that cannot be made anew with what this instance was started with, by slot id. */
export interface RootGiven {
  readonly secrets?: Readonly<Record<string, UnsealGiven>> | undefined;
  /** Slots to leave out. */
  readonly drop?: readonly string[] | undefined;
}

interface Surroundings {
  readonly ring: () => Keyring;
  readonly options: OpeningOptions;
  readonly nowMs: number;
}

/**
 * Throws `vault_slots_left`, `vault_last_slot` if all are to be dropped, `not_found` for an id that there is not. If it
 * throws, nothing is left of it anywhere.
 */
export async function makeStagedRoot(stored: StoredKeys, given: RootGiven, at: Surroundings): Promise<RootWrapped> {
  const openers = await findOpeners(stored.slots, given, at);
  const rootKey = systemRandom(keySizeBytes);
  const slots: StoredSlot[] = [];
  try {
    for (const { slot, unlocker } of openers) {
      const { label, createdAt } = slot;
      const wrapped = await unlocker.wrap(newId("slot", at.nowMs), rootKey);
      slots.push({ ...wrapped, label, createdAt });
      if (!(await opensTo(unlocker, wrapped, rootKey))) throw new AppError("vault_cannot_open");
    }
    return { slots, ...at.ring().wrapAllBy(rootKey, stored) };
  } catch (error) {
    await discardSlots(slots, at.options);
    throw error;
  } finally {
    wipe(rootKey);
  }
}

/**
 * Opens what was staged, as a start would, and compares it with what is in force. Throws `vault_cannot_open` if no slot
 * opens, `store_conflict` if it does not lead to the very same keys.
 */
export async function proveStagedRoot(
  staged: RootWrapped,
  given: RootGiven,
  { ring, options }: Omit<Surroundings, "nowMs">,
): Promise<Keyring> {
  const unlockers = [
    ...startUnlockers({ ...options, unlocker: "auto" }),
    ...Object.values(given.secrets ?? {}).flatMap(unsealUnlockers),
  ];
  const { opened, unavailable } = await unwrapRootKey(unlockers, staged.slots);
  if (opened === undefined) throw [...unavailable.values()][0] ?? new AppError("vault_cannot_open");
  let next: Keyring | undefined;
  try {
    const present = ring();
    next = openKeyring(opened.rootKey, staged.terms, staged.keys, present.epoch + 1);
    if (!next.holdsTheSameAs(present)) throw new AppError("store_conflict", { what: "staged root key" });
    return next;
  } catch (error) {
    wipe(opened.rootKey);
    next?.wipe();
    throw error;
  }
}

interface Opener {
  readonly slot: StoredSlot;
  readonly unlocker: Unlocker;
}

async function findOpeners(
  slots: readonly StoredSlot[],
  { secrets = {}, drop = [] }: RootGiven,
  { ring, options }: Surroundings,
): Promise<readonly Opener[]> {
  const unknown = [...Object.keys(secrets), ...drop].find((id) => !slots.some((slot) => slot.id === id));
  if (unknown !== undefined) throw new AppError("not_found", { what: "unlock slot", id: unknown });
  const kept = slots.filter(({ id }) => !drop.includes(id));
  if (kept.length === 0) throw new AppError("vault_last_slot");
  const configured = startUnlockers({ ...options, unlocker: "auto" });
  const openers: Opener[] = [];
  for (const slot of kept) {
    const secret = secrets[slot.id];
    const candidates = [...(secret === undefined ? [] : unsealUnlockers(secret)), ...configured];
    const unlocker = await ring().lendRootKey((rootKey) => firstToOpen(candidates, slot, rootKey));
    if (unlocker !== undefined) openers.push({ slot, unlocker });
  }
  const left = kept.filter((slot) => !openers.some((opener) => opener.slot === slot));
  if (left.length === 0) return openers;
  const names = left.map(({ id, kind, label }) => `${id} (${kind === label ? kind : `${kind}, ${label}`})`);
  throw new AppError("vault_slots_left", { slots: names.join(", ") });
}

async function firstToOpen(
  candidates: readonly Unlocker[],
  slot: WrappedKey,
  rootKey: Buffer,
): Promise<Unlocker | undefined> {
  for (const unlocker of candidates.filter(({ kind }) => kind === slot.kind)) {
    if (await opensTo(unlocker, slot, rootKey)) return unlocker;
  }
  return undefined;
}

/** A key ring or service that does not answer opens nothing now: its slot is named among those that are left. */
async function opensTo(unlocker: Unlocker, slot: WrappedKey, rootKey: Buffer): Promise<boolean> {
  const found = await unlocker.unwrap(slot).catch((error: unknown) => {
    if (error instanceof AppError && error.code === "vault_unlocker_unavailable") return undefined;
    throw error;
  });
  try {
    return found !== undefined && timingSafeEqual(found, rootKey);
  } finally {
    wipe(found);
  }
}
