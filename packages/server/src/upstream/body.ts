import type { UpstreamBody } from "./connector.ts";

/** Small ones are not worth letting go of. */
const largeBytes = 16 * 1024;

/**
 * Bytes as the body of a request, let go of when they are sent, and empty from then on if they are large: whoever made the
 * request holds on to it until the reply has ended, and the streamed reply to a coding agent's 200 KB takes minutes.
 */
export function sentOnce(bytes: Buffer): Buffer | UpstreamBody {
  if (bytes.length < largeBytes) return bytes;
  let held: Buffer | undefined = bytes;
  return {
    sizeBytes: bytes.length,
    open() {
      const taken = held;
      held = undefined;
      if (taken === undefined) throw new TypeError("a body that is sent once was asked for again");
      return taken;
    },
  };
}
