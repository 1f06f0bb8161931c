import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** A reader that takes nothing for so long is given up: what is read for them holds on to things. */
const stallMs = 60_000;

/**
 * Sends a file as it is made. If making it fails on the way, the connection is broken off, so that nobody takes a part for
 * the whole; the failure is thrown. A reader that goes away is no failure, and ends the making.
 */
export async function sendDownload(
  response: ServerResponse,
  content: AsyncIterable<Uint8Array>,
  head: OutgoingHttpHeaders,
): Promise<void> {
  response.setTimeout(stallMs, () => response.destroy());
  response.writeHead(200, head);
  try {
    await pipeline(Readable.from(content, { objectMode: false }), response);
  } catch (error) {
    response.destroy();
    if (!isPrematureClose(error)) throw error;
  }
}

function isPrematureClose(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE";
}
