import { Readable } from "node:stream";
import type { UpstreamBody } from "./connector.ts";

/** Below this, what a stream costs would be more than what it gives back. */
const largeBytes = 16 * 1024;

/**
 * Bytes as the body of a request, so that they are let go of once they were sent. The HTTP client holds on to a body of
 * bytes until the reply has ended, and the streamed reply to a coding agent's 200 KB takes minutes. Small ones stay bytes.
 */
export function sentOnce(bytes: Buffer): Buffer | UpstreamBody {
  if (bytes.length < largeBytes) return bytes;
  const { length } = bytes;
  let held: Buffer | undefined = bytes;
  return {
    sizeBytes: length,
    open() {
      const stream = new Readable({ read: () => undefined, highWaterMark: length });
      stream.push(held);
      stream.push(null);
      held = undefined;
      return stream;
    },
  };
}
