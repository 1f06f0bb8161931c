import type { ServerEvent } from "../../kernel/sse.ts";
import type { ReplyEvent } from "../canonical/reply.ts";
import type { ReplyOrigin, StreamDecoder } from "../codec.ts";
import { ChunkReader } from "./chunk-reader.ts";

/** Reads what providers of this dialect stream, with all that they do otherwise; see `ChunkReader` and `CallPieces`. */
export function createStreamDecoder(origin: ReplyOrigin): StreamDecoder {
  const reader = new ChunkReader(origin, false);

  function read(data: string): void {
    if (data === "" || data === " ") return;
    if (data.startsWith("[DONE]")) return reader.done();
    reader.push(parsed(data));
  }

  return {
    push({ data }: ServerEvent): readonly ReplyEvent[] {
      read(data);
      return reader.take();
    },
    end() {
      reader.end();
      return reader.take();
    },
  };
}

/** Undefined if it is no JSON. */
function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
