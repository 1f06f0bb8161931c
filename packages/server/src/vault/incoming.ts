import { AppError } from "../kernel/errors.ts";
import { newId } from "../kernel/ids.ts";
import type { Secret } from "../kernel/secret.ts";
import type { Value } from "../db/index.ts";
import { openRecord, type RecordPlace } from "./envelope.ts";
import { firstSlot } from "./first-slot.ts";
import { keyCopy, wipe } from "./key-material.ts";
import { parseKey } from "./key-text.ts";
import { openKeyring, type Keyring, type WrappedTerm } from "./keyring.ts";
import { startUnlockers, unwrapRootKey, type OpeningOptions } from "./opening.ts";
import type { WrappedNamedKey } from "./store.ts";
import type { SlotKind, WrappedKey } from "./unlockers/index.ts";

/*
 * A vault that comes out of a backup: the root key it brings must open the keys it brings, every record is opened once to
 * see whether it does, and it gets a slot that this machine can open. Nothing is stored here; the rows are given back as
 * they are to be stored.
 */

export type Row = Readonly<Record<string, Value>>;

export interface IncomingReport {
  /** Records that opened. */
  readonly opened: number;
  /** Those that did not, by name: they were damaged before the backup was made, and come along as they are. */
  readonly unreadable: readonly string[];
  /** The kinds of the slots that still unlock the vault. */
  readonly keptSlots: readonly string[];
  /** The kinds of those that could unlock it on the other machine only, and were left out. */
  readonly droppedSlots: readonly string[];
}

export interface IncomingVault {
  /**
   * Takes a row of one of the vault's tables; the row to store, or `undefined` if it stays behind. Throws
   * `backup_unreadable` if the root key does not open the keys.
   */
  admit(table: string, row: Row): Row | undefined;
  /**
   * The report, and the slot to be stored for a machine that opens its vault like this; none if a slot that came along
   * serves it already, or without `opening`.
   */
  finish(
    opening: OpeningOptions | undefined,
    nowMs: number,
  ): Promise<{ readonly report: IncomingReport; readonly slot?: Row }>;
  wipe(): void;
}

/** What these slots wrap the root key with lies on the machine they were made on. */
const machineKinds: readonly unknown[] = ["key-file", "key-ring"];
/** All that is kept of the vault's state: a root key that was staged is staged anew, and where it lies is decided here. */
const keptStates: readonly unknown[] = ["epoch"];

/** `file` is the backup's name, for messages. */
export function createIncomingVault(base64: Secret, file: string): IncomingVault {
  const parsed = parseKey(base64);
  if (parsed === undefined) throw unusable(file, "its root key is not 32 bytes in base64");
  return new Incoming(parsed, file);
}

class Incoming implements IncomingVault {
  readonly #rootKey: Buffer;
  readonly #file: string;
  readonly #terms: WrappedTerm[] = [];
  readonly #keys: WrappedNamedKey[] = [];
  readonly #kept: WrappedKey[] = [];
  readonly #dropped: string[] = [];
  readonly #unreadable: string[] = [];
  #opened = 0;
  #keyring: Keyring | undefined;

  constructor(rootKey: Buffer, file: string) {
    this.#rootKey = rootKey;
    this.#file = file;
  }

  admit(table: string, row: Row): Row | undefined {
    if (table === "vault_slots") return this.#admitSlot(row);
    if (table === "vault_state") return keptStates.includes(row["name"]) ? row : undefined;
    if (table === "vault_terms") this.#terms.push(this.#parseTerm(row));
    if (table === "vault_named_keys") this.#keys.push(this.#parseKey(row));
    if (table === "sealed_records") this.#tryRecord(row);
    return row;
  }

  async finish(opening: OpeningOptions | undefined, nowMs: number): Promise<{ report: IncomingReport; slot?: Row }> {
    this.#openKeyring();
    const report = {
      opened: this.#opened,
      unreadable: this.#unreadable,
      keptSlots: this.#kept.map(({ kind }) => kind),
      droppedSlots: this.#dropped,
    };
    if (opening === undefined || (await this.#opensAlready(opening))) return { report };
    const { unlocker } = await firstSlot(opening);
    const { id, kind, params, wrapped } = await unlocker.wrap(newId("slot", nowMs), this.#rootKey);
    return { report, slot: { id, kind, label: "restored", params, wrapped, created_at: nowMs } };
  }

  /** Whether a start on this machine opens a slot that came along, now or once what it asks for is given. */
  async #opensAlready(opening: OpeningOptions): Promise<boolean> {
    const { opened, unavailable } = await unwrapRootKey(startUnlockers(opening), this.#kept);
    const opens = opened !== undefined && opened.rootKey.equals(this.#rootKey);
    wipe(opened?.rootKey);
    if (opens) return true;
    const waitsFor = (kind: SlotKind): boolean =>
      kind === "passphrase" ? opening.unlocker === kind && opening.passphrase === undefined : unavailable.has(kind);
    return this.#kept.some(({ kind }) => waitsFor(kind));
  }

  wipe(): void {
    wipe(this.#rootKey);
    this.#keyring?.wipe();
  }

  #admitSlot(row: Row): Row | undefined {
    const slot = this.#parseSlot(row);
    if (machineKinds.includes(slot.kind)) {
      this.#dropped.push(slot.kind);
      return undefined;
    }
    this.#kept.push(slot);
    return row;
  }

  #parseSlot({ id, kind, params, wrapped }: Row): WrappedKey {
    const areTexts = typeof id === "string" && typeof kind === "string" && typeof params === "string";
    // A kind that this version does not know opens nothing here: it is compared with known ones only.
    if (areTexts && wrapped instanceof Uint8Array) return { id, kind: kind as SlotKind, params, wrapped };
    throw unusable(this.#file, "its unlock slots are malformed");
  }

  #parseTerm({ term, wrapped }: Row): WrappedTerm {
    if (typeof term === "number" && wrapped instanceof Uint8Array) return { term, wrapped };
    throw unusable(this.#file, "its key terms are malformed");
  }

  #parseKey({ purpose, version, wrapped, created_at: createdAt }: Row): WrappedNamedKey {
    const areNumbers = typeof version === "number" && typeof createdAt === "number";
    if (areNumbers && typeof purpose === "string" && wrapped instanceof Uint8Array)
      return { purpose, version, wrapped, createdAt };
    throw unusable(this.#file, "its named keys are malformed");
  }

  #openKeyring(): Keyring {
    if (this.#keyring !== undefined) return this.#keyring;
    try {
      this.#keyring = openKeyring(keyCopy(this.#rootKey), this.#terms, this.#keys);
      return this.#keyring;
    } catch (error) {
      throw unusable(this.#file, "its root key does not open its keys", error);
    }
  }

  #tryRecord({ type, id, field, version, kek_term: term, origins, sealed }: Row): void {
    const kek = typeof term === "number" ? this.#openKeyring().kek(term) : undefined;
    const place = { type, id, field, version, term, origins: parseOrigins(origins) };
    const value = kek && isPlace(place) && sealed instanceof Uint8Array ? openRecord(kek, place, sealed) : undefined;
    if (value === undefined) this.#unreadable.push([type, id, field].map(String).join("/"));
    else this.#opened += 1;
    wipe(value);
  }
}

/** Of a type that this version does not know, too: what counts is whether the bytes open there. */
function isPlace(place: Readonly<Record<keyof RecordPlace, unknown>>): place is RecordPlace {
  const { type, id, field, version, term, origins } = place;
  const texts = [type, id, field].every((each) => typeof each === "string");
  return texts && [version, term].every((each) => typeof each === "number") && origins !== undefined;
}

function parseOrigins(text: unknown): readonly string[] | undefined {
  try {
    const value: unknown = JSON.parse(String(text));
    return Array.isArray(value) && value.every((each) => typeof each === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}

function unusable(file: string, problem: string, cause?: unknown): AppError {
  const advice = "take another backup";
  return new AppError("backup_unreadable", { file, problem, advice }, cause === undefined ? {} : { cause });
}
