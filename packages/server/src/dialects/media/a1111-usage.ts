import { noMedia, noTokens } from "../../kernel/tokens.ts";
import type { UsageReader } from "../dialect.ts";

const key = Buffer.from('"images"');
const [quote, open, close, brace, space] = [0x22, 0x5b, 0x5d, 0x7d, 0x20];

/**
 * Counts the images of a reply as they go by; they are too large to be held.
 *
 * States: *before* – the key of the list has not come. *list* – in the list, whose texts hold neither quotes nor brackets, so that
 * every second quote ends an image. *behind* – the rest tells nothing but how it ends.
 */
export function createA1111Reader(): UsageReader {
  let state: "before" | "list" | "behind" = "before";
  let rest: Buffer = Buffer.alloc(0); // what may be the beginning of the key, or lies between it and the list
  let quotes = 0;
  let last = space;

  function before(chunk: Buffer): Buffer {
    const bytes = Buffer.concat([rest, chunk]);
    const at = bytes.indexOf(key);
    const list = at === -1 ? -1 : bytes.indexOf(open, at);
    if (list === -1) {
      rest = Buffer.from(at === -1 ? bytes.subarray(Math.max(0, bytes.length - key.length + 1)) : key);
      return bytes.subarray(bytes.length);
    }
    state = "list";
    return bytes.subarray(list + 1);
  }

  function count(bytes: Buffer): void {
    const end = bytes.indexOf(close);
    const list = end === -1 ? bytes : bytes.subarray(0, end);
    for (let at = list.indexOf(quote); at !== -1; at = list.indexOf(quote, at + 1)) quotes++;
    if (end !== -1) state = "behind";
  }

  return {
    push(chunk) {
      const final = chunk.findLast((byte) => byte > space);
      if (final !== undefined) last = final;
      const bytes = state === "before" ? before(chunk) : chunk;
      if (state === "list") count(bytes);
    },
    end() {
      const images = Math.floor(quotes / 2);
      return {
        tokens: images === 0 ? undefined : { ...noTokens, media: { ...noMedia, images } },
        model: undefined,
        stopReason: undefined,
        complete: last === brace,
        outputBytes: 0,
        failure: undefined,
        announced: undefined,
      };
    },
  };
}
