import { AppError } from "../../kernel/errors.ts";
import type { WrappedTerm } from "../keyring.ts";
import type { FullRecord, RecordRef, Rewrapped, RootWrapped, StoredSlot, WrappedNamedKey } from "../store.ts";
import { fileRecord, keyOf, type FileContent } from "./file-format.ts";
import { covers } from "./key-json.ts";
import type { KeyImage } from "./movable.ts";
import { demandEpoch } from "./vault-state.ts";

/*
 * What each change makes of the content of a vault's file. Nothing here is done in place: the content before a change
 * stays in force until the one after it is on the disk.
 */

/** The content after a change (`undefined`: it stays as it is), and what the caller is told. */
export type Change<Result> = (content: FileContent) => { readonly next?: FileContent; readonly result: Result };

export function first(slot: StoredSlot, { term, wrapped }: WrappedTerm): Change<boolean> {
  return (content) => {
    const { keys, records, strays } = content;
    if (keys.slots.length + keys.terms.length + records.size + strays.length > 0) return { result: false };
    const terms = [{ term, wrapped, createdAt: slot.createdAt }];
    return { next: withKeys(content, { slots: [slot], terms }), result: true };
  };
}

export function slotAdded(slot: StoredSlot, epoch: number): Change<void> {
  return inEpoch(epoch, (keys) => ({ slots: [...keys.slots, slot] }));
}

export function slotRemoved(id: string): Change<void> {
  return changeKeys(({ slots }) => {
    if (!slots.some((slot) => slot.id === id)) throw new AppError("not_found", { what: "unlock slot", id });
    if (slots.length === 1) throw new AppError("vault_last_slot");
    return { slots: slots.filter((slot) => slot.id !== id) };
  });
}

export function termAdded({ term, wrapped }: WrappedTerm, epoch: number, nowMs: number): Change<void> {
  return inEpoch(epoch, ({ terms }) => {
    if (terms.some((each) => each.term === term)) throw new AppError("store_conflict", { what: "key term" });
    const added = [...terms, { term, wrapped, createdAt: nowMs }];
    return { terms: added.toSorted((one, other) => one.term - other.term) };
  });
}

export function unusedTermsRemoved(newest: number): Change<readonly number[]> {
  return (content) => {
    const used = new Set(Array.from(content.records.values(), ({ record }) => record.term));
    const isUnused = ({ term }: WrappedTerm): boolean => term < newest && !used.has(term);
    const { terms } = content.keys;
    const result = terms.filter(isUnused).map(({ term }) => term);
    if (result.length === 0) return { result };
    return { next: withKeys(content, { terms: terms.filter((term) => !isUnused(term)) }), result };
  };
}

export function namedKeyAdded(key: WrappedNamedKey, epoch: number): Change<void> {
  return inEpoch(epoch, ({ keys }) => {
    if (keys.some((each) => isKey(each, key))) throw new AppError("store_conflict", { what: "key" });
    return { keys: [...keys, key].toSorted(byName) };
  });
}

export function namedKeyRemoved(purpose: string, version: number): Change<void> {
  return changeKeys(({ keys }) => ({ keys: keys.filter((each) => !isKey(each, { purpose, version })) }));
}

export function rootStaged(staged: RootWrapped, epoch: number): Change<void> {
  return inEpoch(epoch, () => ({ staged }));
}

export function rootConfirmed(epoch: number): Change<void> {
  return inEpoch(epoch, ({ staged, ...inForce }) => {
    if (staged === undefined || !covers(staged, inForce)) {
      throw new AppError("store_conflict", { what: "staged root key" });
    }
    const terms = inForce.terms.map((term) => ({ ...term, ...staged.terms.find((each) => each.term === term.term) }));
    const keys = inForce.keys.map((key) => ({ ...key, ...staged.keys.find((each) => isKey(each, key)) }));
    return { epoch: epoch + 1, slots: staged.slots, terms, keys, staged: undefined };
  });
}

export function rootCancelled(): Change<void> {
  return changeKeys(() => ({ staged: undefined }));
}

export function recordPut(record: FullRecord): Change<void> {
  return (content) => {
    const before = content.records.get(keyOf(record))?.record.version ?? 0;
    if (before !== record.version - 1 || !hasTerm(content, record.term)) {
      throw new AppError("store_conflict", { what: record.type });
    }
    const records = new Map(content.records).set(keyOf(record), fileRecord(record));
    return { next: { ...content, records }, result: undefined };
  };
}

export function recordsRewrapped(rewrapped: readonly Rewrapped[]): Change<number> {
  return (content) => {
    const records = new Map(content.records);
    let result = 0;
    for (const { ref, version, oldTerm, newTerm, sealed } of rewrapped) {
      if (!hasTerm(content, newTerm)) throw new AppError("store_conflict", { what: "key term" });
      const record = records.get(keyOf(ref))?.record;
      if (record?.version !== version || record.term !== oldTerm) continue;
      records.set(keyOf(ref), fileRecord({ ...record, term: newTerm, sealed }));
      result += 1;
    }
    return result === 0 ? { result } : { next: { ...content, records }, result };
  };
}

export function recordRemoved(ref: RecordRef): Change<boolean> {
  return (content) => {
    if (!content.records.has(keyOf(ref))) return { result: false };
    const records = new Map(content.records);
    records.delete(keyOf(ref));
    return { next: { ...content, records }, result: true };
  };
}

function changeKeys(change: (keys: KeyImage) => Partial<KeyImage>): Change<void> {
  return (content) => ({ next: withKeys(content, change(content.keys)), result: undefined });
}

function inEpoch(epoch: number, change: (keys: KeyImage) => Partial<KeyImage>): Change<void> {
  return changeKeys((keys) => {
    demandEpoch(keys, epoch);
    return change(keys);
  });
}

function withKeys(content: FileContent, changed: Partial<KeyImage>): FileContent {
  return { ...content, keys: { ...content.keys, ...changed } };
}

function hasTerm({ keys }: FileContent, term: number): boolean {
  return keys.terms.some((each) => each.term === term);
}

type KeyName = Pick<WrappedNamedKey, "purpose" | "version">;

function isKey(key: KeyName, { purpose, version }: KeyName): boolean {
  return key.purpose === purpose && key.version === version;
}

function byName(one: KeyName, other: KeyName): number {
  if (one.purpose !== other.purpose) return one.purpose < other.purpose ? -1 : 1;
  return one.version - other.version;
}
