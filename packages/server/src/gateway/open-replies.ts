import type { AppError } from "../kernel/errors.ts";

/** A reply under way, as far as it can be cut from outside. */
export interface OpenReply {
  readonly keyId: string;
  cut(error: AppError): void;
}

/**
 * The replies under way, so that those of a revoked key can be cut. Slots that are emptied and used again, and not a
 * `Set`: a set's old tables, once promoted, keep what was deleted from them alive through many young collections,
 * which for an exchange with its buffers is a third of the time a small request takes.
 */
export class OpenReplies {
  readonly #slots: (OpenReply | undefined)[] = [];
  readonly #free: number[] = [];

  /** Returns the slot to give back to `remove`. */
  add(reply: OpenReply): number {
    const slot = this.#free.pop() ?? this.#slots.length;
    this.#slots[slot] = reply;
    return slot;
  }

  remove(slot: number): void {
    this.#slots[slot] = undefined;
    this.#free.push(slot);
  }

  cutAllOf(keyId: string, error: AppError): void {
    for (const reply of this.#slots) if (reply?.keyId === keyId) reply.cut(error);
  }

  cutAll(error: AppError): void {
    for (const reply of this.#slots) reply?.cut(error);
  }
}
