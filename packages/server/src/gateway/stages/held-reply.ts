import { joinInSlices } from "../../kernel/splice.ts";
import { sliceBytes } from "../../kernel/turns.ts";

/** Many small pieces take more room than what they hold; large ones are best left alone until all are put together. */
const mostPieces = 1_024;
const smallPieceBytes = 4 * 1024;

/** The pieces of a reply that is held until it is whole. */
export class HeldReply {
  #pieces: Buffer[] = [];
  #sizeBytes = 0;

  push(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#sizeBytes += piece.length;
    const count = this.#pieces.length;
    if (count > mostPieces && this.#sizeBytes < count * smallPieceBytes) this.#pieces = [this.#joined()];
  }

  /** All that came; nothing is held any more. */
  take(): Buffer {
    const whole = this.#joined();
    this.#pieces = [];
    this.#sizeBytes = 0;
    return whole;
  }

  /** The same for what may be large: a slice in a turn of the event loop. */
  takeInTurns(): Buffer | Promise<Buffer> {
    if (this.#sizeBytes <= sliceBytes) return this.take();
    this.#sizeBytes = 0;
    return joinInSlices(this.#pieces.splice(0));
  }

  #joined(): Buffer {
    const [only] = this.#pieces;
    return this.#pieces.length === 1 && only !== undefined ? only : Buffer.concat(this.#pieces, this.#sizeBytes);
  }
}
