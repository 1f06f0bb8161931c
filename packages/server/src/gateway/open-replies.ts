import type { AppError } from "../kernel/errors.ts";
import { Slots } from "../kernel/slots.ts";

/** A reply under way, as far as it can be cut from outside. */
export interface OpenReply {
  readonly keyId: string;
  cut(error: AppError): void;
}

/** The replies under way, so that those of a revoked key can be cut. */
export class OpenReplies {
  readonly #replies = new Slots<OpenReply>();

  /** Returns what to give back to `remove`. */
  add(reply: OpenReply): number {
    return this.#replies.add(reply);
  }

  remove(slot: number): void {
    this.#replies.remove(slot);
  }

  cutAllOf(keyId: string, error: AppError): void {
    this.#replies.each((reply) => {
      if (reply.keyId === keyId) reply.cut(error);
    });
  }

  cutAll(error: AppError): void {
    this.#replies.each((reply) => reply.cut(error));
  }
}
