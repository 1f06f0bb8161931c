import type { Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";

/*
 * Replies are asked for uncompressed, since usage is read from them and the provider's key is blotted out in them, and
 * since the caller never said which codings it can read. A provider that compresses all the same is decoded here.
 */

/** What happens to the decoded bytes. After `onEnd` or `onBroken`, nothing more is called. */
export interface DecodedSink {
  onData(chunk: Buffer): void;
  onEnd(): void;
  /** What came is not in the coding it was announced in, ends too early, or grows beyond all measure. */
  onBroken(cause: Error): void;
  /** More has come than is taken. */
  pause(): void;
  resume(): void;
}

/** A reply may grow to so many times its size, or to `freeBytes` whatever its size. JSON comes to 10 or 20 times. */
const maxGrowth = 100;
const freeBytes = 8 * 1024 * 1024;

const transforms: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** Decodes one reply as it comes. Memory is bounded: what is not taken holds up what comes. */
export class Decoding {
  readonly #transform: Transform;
  readonly #sink: DecodedSink;
  #receivedBytes = 0;
  #decodedBytes = 0;

  private constructor(transform: Transform, sink: DecodedSink) {
    this.#transform = transform;
    this.#sink = sink;
    transform.on("data", (chunk: Buffer) => this.#forward(chunk));
    transform.on("drain", () => sink.resume());
    transform.on("end", () => sink.onEnd());
    transform.on("error", (error) => sink.onBroken(error));
  }

  /** `undefined` if the coding (of RFC 9110 §8.4.1, in lower case) is none that can be decoded. */
  static open(coding: string, sink: DecodedSink): Decoding | undefined {
    const create = Object.hasOwn(transforms, coding) ? transforms[coding] : undefined;
    return create === undefined ? undefined : new Decoding(create(), sink);
  }

  push(chunk: Buffer): void {
    this.#receivedBytes += chunk.length;
    if (!this.#transform.write(chunk)) this.#sink.pause();
  }

  /** No more will come. A reply without any bytes is empty in every coding. */
  end(): void {
    if (this.#receivedBytes === 0) this.#sink.onEnd();
    else this.#transform.end();
  }

  pause(): void {
    this.#transform.pause();
  }

  resume(): void {
    this.#transform.resume();
  }

  destroy(): void {
    this.#transform.destroy();
  }

  #forward(chunk: Buffer): void {
    this.#decodedBytes += chunk.length;
    if (this.#decodedBytes > Math.max(freeBytes, this.#receivedBytes * maxGrowth)) {
      this.#sink.onBroken(new Error(`${this.#receivedBytes} bytes decode to more than ${maxGrowth} times as many`));
    } else this.#sink.onData(chunk);
  }
}
