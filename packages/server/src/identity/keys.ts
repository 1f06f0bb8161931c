import { hash } from "node:crypto";
import { AppError } from "../kernel/errors.ts";
import { isoTime, type Clock } from "../kernel/clock.ts";
import type { Secret } from "../kernel/secret.ts";
import { nextTurn } from "../kernel/turns.ts";
import type { Vault } from "../vault/index.ts";
import { compileAddressList } from "./addresses.ts";
import type { createKeyRecords, KeyRecord } from "./key-records.ts";
import { compilePattern } from "./patterns.ts";
import { Peppers } from "./peppers.ts";
import { matchSecret, type Match } from "./secret-match.ts";
import { mintKey, parseKey, sameDigest, type KeyKind, type ParsedKey } from "./token.ts";

/** Whoever a key speaks for, with what the key may do compiled into functions. Lives as long as the key is unchanged. */
export interface Caller {
  readonly keyId: string;
  readonly kind: KeyKind;
  readonly user: string | null;
  readonly team: string | null;
  readonly service: string | null;
  /** Whether the key's list has the model, as `provider/model` or by its id there. */
  allowsModel(provider: string, model: string): boolean;
  /** Whether it may call the provider by that provider's own addresses. */
  allowsPassthrough(provider: string): boolean;
  /** For messages: the allowed patterns as the key's owner wrote them. */
  readonly models: readonly string[] | null;
}

export interface NewKey {
  readonly kind: KeyKind;
  readonly user?: string | undefined;
  readonly team?: string | undefined;
  readonly service?: string | undefined;
  readonly description?: string | undefined;
  readonly models?: readonly string[] | undefined;
  readonly allowIp?: readonly string[] | undefined;
  readonly passthrough?: readonly string[] | undefined;
  readonly expiresAt?: number | undefined;
}

/** What can be changed of a key. What is absent stays as it is; `null` takes the limit away. */
export type KeyChanges = {
  readonly [Name in Changeable]?: KeyRecord[Name] | undefined;
};
type Changeable = "user" | "team" | "service" | "description" | "models" | "allowIp" | "passthrough" | "expiresAt";

export interface IssuedKey {
  readonly record: KeyRecord;
  /** The whole key. It exists here and nowhere else: it is shown once and cannot be had again. */
  readonly text: Secret;
}

interface LiveKey {
  readonly record: KeyRecord;
  readonly caller: Caller;
  readonly allowsAddress: (address: string) => boolean;
}

type PepperVault = Pick<
  Vault,
  "namedKey" | "namedKeyOf" | "namedVersions" | "rotateNamedKey" | "dropNamedKey" | "onChange"
>;

const mostOpened = 10_000;

/** What a key is remembered by once its text was found to open it. */
export function fingerprintOf(text: string): string {
  return hash("sha256", text, "latin1");
}

/**
 * The keys this gateway issued. All of them are held in memory, so checking one costs an HMAC and no I/O,
 * and a change is in force for the next request the moment its method returns: a change is written first and
 * then put in force, whole, by replacing the key's entry.
 *
 * A secret is stored hashed with a pepper, whose version stands beside it. After the pepper was rotated, a key is hashed
 * anew with the newest once it has been used: that takes its secret, which is nowhere else. The request does not wait for
 * it. A pepper that no key needs any more is dropped.
 */
export class Keys {
  readonly #live = new Map<string, LiveKey>();
  /** By the SHA-256 of its text, the key that the text was found to open. */
  readonly #opened = new Map<string, LiveKey>();
  readonly #records: ReturnType<typeof createKeyRecords>;
  readonly #vault: PepperVault;
  readonly #clock: Clock;
  readonly #revoked: ((id: string, error: AppError) => void)[] = [];
  #lastChange: Promise<unknown> = Promise.resolve();
  readonly #peppers: Peppers;
  readonly #rehashing = new Set<string>();
  #revocations = 0;

  constructor(parts: {
    readonly records: ReturnType<typeof createKeyRecords>;
    readonly vault: PepperVault;
    readonly clock: Clock;
  }) {
    this.#records = parts.records;
    this.#vault = parts.vault;
    this.#clock = parts.clock;
    this.#peppers = new Peppers(parts.vault);
    parts.vault.onChange((sealed) => {
      this.#opened.clear();
      this.#peppers.forget();
      if (!sealed) this.#dropPeppersSoon();
    });
  }

  async load(): Promise<void> {
    const records = await this.#records.all();
    this.#live.clear();
    for (const record of records) this.#live.set(record.id, compile(record));
    this.#dropPeppersSoon();
  }

  /**
   * Who the key `text` speaks for, when it is used from `address`.
   * `fingerprint` is that of the text, for who asks more than once.
   * Throws `invalid_key`, `key_disabled`, `key_expired`, `address_not_allowed`, `vault_sealed`. What an unknown key
   * and a known key with a wrong secret get is the same, after the same work.
   */
  authenticate(text: string, address: string, fingerprint = fingerprintOf(text)): Caller {
    const live = this.#verified(text, fingerprint);
    const { record } = live;
    if (record.disabledAt !== null) throw new AppError("key_disabled", { id: record.id });
    if (record.expiresAt !== null && record.expiresAt <= this.#clock.now()) {
      throw new AppError("key_expired", { id: record.id, when: isoTime(record.expiresAt) });
    }
    if (!live.allowsAddress(address)) throw new AppError("address_not_allowed", { id: record.id, address });
    return live.caller;
  }

  /** The key that the text opens. Throws `invalid_key`, `vault_sealed`. */
  #verified(text: string, fingerprint: string): LiveKey {
    const known = this.#opened.get(fingerprint);
    // Whatever is changed of a key replaces its entry: what was found out about the former one is void with it.
    if (known !== undefined && this.#live.get(known.record.id) === known) return known;
    const parsed = parseKey(text);
    if (parsed === undefined) throw new AppError("invalid_key");
    const live = this.#live.get(parsed.id);
    const match = matchSecret(live?.record, parsed.secret, this.#peppers, this.#clock.now());
    if (live === undefined || match === undefined || live.record.kind !== parsed.kind) {
      throw new AppError("invalid_key");
    }
    if (this.#opened.size >= mostOpened) this.#opened.clear();
    // The secret before a rotation opens for a time only, so it is looked at anew each time.
    if (match.which === "current") this.#opened.set(fingerprint, live);
    if (match.digest.version !== this.#peppers.newest) this.#rehashSoon(parsed, match, fingerprint);
    return live;
  }

  /** In a later turn of the event loop. What fails is tried again when the key is used the next time. */
  #rehashSoon({ id, secret }: ParsedKey, match: Match, fingerprint: string): void {
    if (this.#rehashing.has(id)) return;
    this.#rehashing.add(id);
    const rehash = async (): Promise<void> => {
      await nextTurn();
      await this.#inTurn(() => this.#rehash(id, secret, match));
      await this.dropUnusedPeppers();
    };
    void rehash()
      .catch(() => this.#opened.delete(fingerprint))
      .finally(() => this.#rehashing.delete(id));
  }

  async #rehash(id: string, secret: string, { which, digest }: Match): Promise<void> {
    const live = this.#live.get(id);
    const stored = which === "current" ? live?.record.hmac : live?.record.previousHmac;
    if (live === undefined || stored === undefined || stored === null || !sameDigest(stored, digest.hmac)) return;
    const version = this.#peppers.newest;
    const hmac = this.#peppers.hash(version, secret);
    if (!(await this.#records.rehash(id, which, digest, { hmac, version }))) return;
    const changes =
      which === "current" ? { hmac, pepperVersion: version } : { previousHmac: hmac, previousPepperVersion: version };
    // The text opened the key before and does so now: what was found out about it is not void.
    this.#live.set(id, compile({ ...live.record, ...changes }));
  }

  /** New keys are hashed with a new pepper from now on, and each present one once it is used. Throws `vault_sealed`. */
  async rotatePepper(): Promise<number> {
    return this.#inTurn(async () => {
      const version = await this.#vault.rotateNamedKey("token");
      this.#peppers.forget();
      this.#opened.clear();
      return version;
    });
  }

  /** How many keys wait to be used before the newest pepper is the only one. */
  get awaitingPepper(): number {
    const newest = this.#peppers.newest;
    return this.list().filter((record) => this.#usesOld(record, newest)).length;
  }

  /** Drops the peppers that no secret which still opens something needs. Throws `vault_sealed`. */
  async dropUnusedPeppers(): Promise<void> {
    const oldest = this.#peppers.versions[0];
    if (oldest === this.#peppers.newest) return;
    for (const { record } of this.#live.values()) {
      if (record.pepperVersion === oldest) return; // the usual case, for which nothing is asked of the database
    }
    await this.#inTurn(async () => {
      const used = await this.#records.pepperVersions(this.#clock.now());
      const { newest, versions } = this.#peppers;
      for (const version of versions.filter((each) => each !== newest && !used.has(each))) {
        await this.#vault.dropNamedKey("token", version);
      }
      this.#peppers.forget();
    });
  }

  /** Counts them: while it stays the same, what `authenticate` said still holds. */
  get revocations(): number {
    return this.#revocations;
  }

  /** Tells of every key that stops working by somebody's hand, and why, so that what it has open can be cut. */
  onRevoked(listener: (id: string, error: AppError) => void): void {
    this.#revoked.push(listener);
  }

  list(): readonly KeyRecord[] {
    return [...this.#live.values()].map((live) => live.record);
  }

  /** Throws `not_found`. */
  get(id: string): KeyRecord {
    const live = this.#live.get(id);
    if (live === undefined) throw new AppError("not_found", { what: "key", id });
    return live.record;
  }

  /** Who the key of that id speaks for, whether or not it would be let in now. Throws `not_found`. */
  callerOf(id: string): Caller {
    const live = this.#live.get(id);
    if (live === undefined) throw new AppError("not_found", { what: "key", id });
    return live.caller;
  }

  async create(input: NewKey, createdBy: string): Promise<IssuedKey> {
    return this.#inTurn(() => this.#create(input, createdBy)); // in turn with what drops a pepper
  }

  async #create(input: NewKey, createdBy: string): Promise<IssuedKey> {
    const minted = mintKey(input.kind);
    const pepperVersion = this.#peppers.newest;
    const record: KeyRecord = {
      id: minted.id,
      kind: input.kind,
      hmac: this.#peppers.hash(pepperVersion, minted.secret),
      pepperVersion,
      lastFour: minted.lastFour,
      previousHmac: null,
      previousPepperVersion: pepperVersion,
      previousUntil: null,
      user: input.user ?? null,
      team: input.team ?? null,
      service: input.service ?? null,
      description: input.description ?? null,
      models: input.models ?? null,
      allowIp: input.allowIp ?? null,
      passthrough: input.passthrough ?? null,
      expiresAt: input.expiresAt ?? null,
      disabledAt: null,
      createdAt: this.#clock.now(),
      createdBy,
    };
    const live = compile(record); // refuses a bad address list before anything is written
    await this.#records.insert(record);
    this.#live.set(record.id, live);
    return { record, text: minted.text };
  }

  /** What is open under the key goes on: what it was let in for was allowed then. */
  async update(id: string, changes: KeyChanges): Promise<KeyRecord> {
    const stated = Object.entries(changes).filter(([, value]) => value !== undefined);
    return this.#inTurn(() => this.#change(id, Object.fromEntries(stated) as Partial<KeyRecord>));
  }

  async disable(id: string): Promise<KeyRecord> {
    return this.#inTurn(async () => {
      const record = await this.#change(id, { disabledAt: this.#clock.now() });
      this.#tellRevoked(id, new AppError("key_disabled", { id }));
      return record;
    });
  }

  async enable(id: string): Promise<KeyRecord> {
    return this.#inTurn(() => this.#change(id, { disabledAt: null }));
  }

  /** Gives the key a new secret; the old one opens for `overlapMs` more. */
  async rotate(id: string, overlapMs: number): Promise<IssuedKey> {
    return this.#inTurn(async () => {
      const old = this.get(id);
      const minted = mintKey(old.kind, id);
      const pepperVersion = this.#peppers.newest;
      const record = await this.#change(id, {
        hmac: this.#peppers.hash(pepperVersion, minted.secret),
        pepperVersion,
        lastFour: minted.lastFour,
        previousHmac: overlapMs > 0 ? old.hmac : null,
        previousPepperVersion: old.pepperVersion,
        previousUntil: overlapMs > 0 ? this.#clock.now() + overlapMs : null,
      });
      if (overlapMs <= 0) this.#tellRevoked(id, new AppError("invalid_key"));
      return { record, text: minted.text };
    });
  }

  async remove(id: string): Promise<void> {
    return this.#inTurn(async () => {
      this.get(id);
      await this.#records.remove(id);
      this.#live.delete(id);
      this.#tellRevoked(id, new AppError("invalid_key"));
      this.#dropPeppersSoon();
    });
  }

  /** Changes are made one after the other: none may be worked out from a record that another is about to replace. */
  #inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const result = this.#lastChange.then(change);
    this.#lastChange = result.catch(() => undefined);
    return result;
  }

  #tellRevoked(id: string, error: AppError): void {
    this.#revocations += 1;
    for (const listener of this.#revoked) listener(id, error);
  }

  /** What fails, or cannot be done while the vault is sealed, is tried again at the next occasion. */
  #dropPeppersSoon(): void {
    void this.dropUnusedPeppers().catch(() => undefined);
  }

  #usesOld(record: KeyRecord, newest: number): boolean {
    const inOverlap = record.previousUntil !== null && record.previousUntil > this.#clock.now();
    return record.pepperVersion !== newest || (inOverlap && record.previousPepperVersion !== newest);
  }

  async #change(id: string, changes: Partial<KeyRecord>): Promise<KeyRecord> {
    const record: KeyRecord = { ...this.get(id), ...changes };
    const live = compile(record); // refuses a bad address list before anything is written
    await this.#records.update(record);
    this.#live.set(id, live);
    return record;
  }
}

function compile(record: KeyRecord): LiveKey {
  return {
    record,
    allowsAddress: record.allowIp === null ? () => true : compileAddressList(record.allowIp),
    caller: {
      keyId: record.id,
      kind: record.kind,
      user: record.user,
      team: record.team,
      service: record.service,
      models: record.models,
      allowsModel: compileModels(record.models),
      allowsPassthrough: (provider) => record.passthrough?.includes(provider) === true,
    },
  };
}

/**
 * A pattern with a slash is for `provider/model`, one without for the model's id alone: `openai/*` means that provider, and
 * not what a reseller calls `openai/gpt-5`; `claude-*` means models of that name at any provider.
 */
function compileModels(patterns: readonly string[] | null): Caller["allowsModel"] {
  if (patterns === null) return () => true;
  const full = patterns.filter((pattern) => pattern.includes("/")).map(compilePattern);
  const bare = patterns.filter((pattern) => !pattern.includes("/")).map(compilePattern);
  return (provider, model) =>
    bare.some((matches) => matches(model)) || full.some((matches) => matches(`${provider}/${model}`));
}
