/**
 * A value that must not leak. String conversion, JSON and Node's `inspect` all print `[secret]`;
 * `reveal()` is the only way out, so every use is found with one search (and the architecture test
 * holds the list of files that may call it).
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  get length(): number {
    return this.#value.length;
  }

  /** The last four characters, for a person to recognise a key by; nothing of a short value. */
  get lastFour(): string {
    return this.#value.length >= 12 ? this.#value.slice(-4) : "";
  }

  /** Whether both hold the same value. Not for judging a value that a caller sent: the time it takes tells of it. */
  holdsSameAs(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "[secret]";
  }
}
