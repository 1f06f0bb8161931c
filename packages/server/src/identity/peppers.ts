import type { Vault } from "../vault/index.ts";
import { hashSecret } from "./token.ts";

/*
 * The peppers that keys are hashed with, each with its version, as far as they were needed since the vault was last
 * unsealed. They are wiped when it is sealed. What a version stands for never changes, so nothing here goes stale but the
 * question which is the newest; whoever rotates calls `forget`.
 */
export class Peppers {
  readonly #vault: Pick<Vault, "namedKey" | "namedKeyOf" | "namedVersions">;
  readonly #known = new Map<number, Buffer>();
  #newest: number | undefined;
  #versions: readonly number[] = [];

  constructor(vault: Pick<Vault, "namedKey" | "namedKeyOf" | "namedVersions">) {
    this.#vault = vault;
  }

  /** Throws `vault_sealed`. */
  get newest(): number {
    if (this.#newest !== undefined) return this.#newest;
    const { version, key } = this.#vault.namedKey("token");
    this.#versions = this.#vault.namedVersions("token");
    this.#keep(version, key);
    this.#newest = version;
    return version;
  }

  /** In rising order. Throws `vault_sealed`. */
  get versions(): readonly number[] {
    return this.newest >= 0 ? this.#versions : [];
  }

  /**
   * With a version that is no more, the digest under the newest: it is as long in the making, and equal to nothing that is
   * stored. Throws `vault_sealed`.
   */
  hash(version: number, secret: string): Buffer {
    const pepper = this.#pepper(version) ?? this.#pepper(this.newest);
    if (pepper === undefined) throw new TypeError("the newest pepper is always there");
    return hashSecret(pepper, secret);
  }

  forget(): void {
    for (const pepper of this.#known.values()) pepper.fill(0);
    this.#known.clear();
    this.#newest = undefined;
  }

  #pepper(version: number): Buffer | undefined {
    const known = this.#known.get(version);
    if (known !== undefined) return known;
    const pepper = this.#vault.namedKeyOf("token", version);
    if (pepper !== undefined) this.#keep(version, pepper);
    return pepper;
  }

  #keep(version: number, pepper: Buffer): void {
    this.#known.get(version)?.fill(0);
    this.#known.set(version, pepper);
  }
}
