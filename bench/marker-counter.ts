import { marker } from "./exchanges.ts";

const reach = marker.length - 1;

/** Counts the markers in a body that arrives in pieces, also those that a border between two pieces cuts. */
export class MarkerCounter {
  count = 0;
  /** The end of what came so far, too short to hold a marker. */
  #tail = "";

  take(piece: Buffer): void {
    this.#countIn(Buffer.from(this.#tail + piece.toString("latin1", 0, reach), "latin1"));
    this.#countIn(piece);
    this.#tail = (this.#tail + piece.toString("latin1", Math.max(0, piece.length - reach))).slice(-reach);
  }

  reset(): void {
    this.count = 0;
    this.#tail = "";
  }

  #countIn(bytes: Buffer): void {
    for (let at = bytes.indexOf(marker); at !== -1; at = bytes.indexOf(marker, at + marker.length)) this.count += 1;
  }
}
