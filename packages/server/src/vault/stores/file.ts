import { rm } from "node:fs/promises";
import { AppError } from "../../kernel/errors.ts";
import type { FullRecord, RecordInfo, RecordRef } from "../store.ts";
import * as changes from "./file-changes.ts";
import { fileRecord, isUnreadable, keyOf, type FileContent, type FileRecord } from "./file-format.ts";
import { usableKeys } from "./key-json.ts";
import type { MovableStore } from "./movable.ts";
import { createVaultFile, openVaultFile, readVaultFile, type FileAccess, type VaultFile } from "./vault-file.ts";

/** How many records `all` gives at once. */
const pieceSize = 100;

export interface FileStoreParts {
  /** Absolute. */
  readonly path: string;
  /** Which vault is expected there. */
  readonly id: string;
  readonly access?: FileAccess;
}

/**
 * The vault in one file of JSON, for one process. Its content lies in memory as well, as sealed as it is on the disk; each
 * change writes the whole file anew.
 *
 * Throws `vault_key_missing` if the file is not there or is another vault's, and `file_unsafe` if it cannot be relied on.
 */
export function createFileStore(parts: FileStoreParts): MovableStore {
  const file = openVaultFile(parts.path, parts.id, parts.access);
  const change = inTurn(file);
  const records = async (): Promise<readonly FullRecord[]> =>
    Array.from((await file.content()).records.values(), ({ record }) => record);
  const find = async (ref: RecordRef): Promise<FullRecord | undefined> =>
    (await file.content()).records.get(keyOf(ref))?.record;

  return {
    async loadKeys() {
      const { epoch, staged, ...inForce } = (await file.content()).keys;
      return { ...usableKeys(inForce), epoch, staged: staged && usableKeys(staged) };
    },
    createFirst: (slot, term) => change(changes.first(slot, term)),
    addSlot: (slot, epoch) => change(changes.slotAdded(slot, epoch)),
    removeSlot: (id) => change(changes.slotRemoved(id)),
    addTerm: (term, epoch, nowMs) => change(changes.termAdded(term, epoch, nowMs)),
    removeUnusedTerms: (newest) => change(changes.unusedTermsRemoved(newest)),
    addNamedKey: (key, epoch) => change(changes.namedKeyAdded(key, epoch)),
    removeNamedKey: (purpose, version) => change(changes.namedKeyRemoved(purpose, version)),
    stageRoot: (staged, epoch) => change(changes.rootStaged(staged, epoch)),
    confirmRoot: (epoch) => change(changes.rootConfirmed(epoch)),
    cancelRoot: () => change(changes.rootCancelled()),

    async find(ref) {
      const record = await find(ref);
      if (record === undefined) return undefined;
      const { version, term, origins, sealed } = record;
      return { version, term, origins, sealed };
    },
    version: async (ref) => (await find(ref))?.version ?? 0,
    put: ({ type, id, field }, { version, term, origins, sealed }, nowMs) =>
      change(changes.recordPut({ type, id, field, version, term, origins, sealed, updatedAt: nowMs })),
    rewrap: (rewrapped) => change(changes.recordsRewrapped(rewrapped)),
    remove: (ref) => change(changes.recordRemoved(ref)),
    count: async () => (await file.content()).records.size,
    countBelow: async (term) => (await records()).filter((record) => record.term < term).length,
    someBelow: async (term, limit, skip = 0) =>
      (await records()).filter((record) => record.term < term).slice(skip, skip + limit),
    async list(type) {
      const listed = (await records()).filter((record) => record.type === type);
      return listed.toSorted(byPlace).map(toInfo);
    },
    async *all() {
      const found = await records();
      for (let start = 0; start < found.length; start += pieceSize) yield found.slice(start, start + pieceSize);
    },

    readKeys: async () => demandWhole(await file.reread(), parts.path).keys,
    async fill(_moveId, keys, pieces) {
      const content = { id: parts.id, keys, records: await collect(pieces), strays: [] };
      await createVaultFile(parts.path, content, parts.access);
    },
    async clear() {
      const content = await readVaultFile(parts.path, parts.access);
      if (content?.id === parts.id) await rm(parts.path, { force: true });
    },
  };
}

/** Runs changes one after the other. One that fails leaves what was before, and the next one comes to its turn. */
function inTurn(file: VaultFile): <Result>(change: changes.Change<Result>) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (change) => {
    const run = async (): Promise<ReturnType<typeof change>["result"]> => {
      const { next, result } = change(await file.content());
      if (next !== undefined) await file.replace(next);
      return result;
    };
    const done = last.then(run, run);
    last = done;
    return done;
  };
}

/** A move takes a vault along with everything in it, or not at all. */
function demandWhole(content: FileContent, path: string): FileContent {
  const unreadable = content.strays.length + [...content.records.values()].filter(isUnreadable).length;
  if (unreadable === 0) return content;
  const problem = `holds ${unreadable} records that cannot be read, and would be lost`;
  throw new AppError("file_unsafe", { path, problem, fix: "remove or replace them first" });
}

async function collect(pieces: AsyncIterable<readonly FullRecord[]>): Promise<FileContent["records"]> {
  const records = new Map<string, FileRecord>();
  for await (const piece of pieces) for (const each of piece) records.set(keyOf(each), fileRecord(each));
  return records;
}

function toInfo({ type, id, field, version, term, origins, updatedAt }: FullRecord): RecordInfo {
  return { type, id, field, version, term, origins, updatedAt };
}

function byPlace(one: RecordRef, other: RecordRef): number {
  if (one.id !== other.id) return one.id < other.id ? -1 : 1;
  return one.field < other.field ? -1 : 1;
}
