import type { Loss } from "../canonical/loss.ts";
import type { UsageReaders } from "../dialect.ts";
import { a1111Path, encodeA1111 } from "../media/a1111.ts";
import { decodeA1111, encodeImageEvents, encodeImages, type PaintedFor } from "../media/a1111-reply.ts";
import { createA1111Reader } from "../media/a1111-usage.ts";
import type { TranslatedDocument } from "./document-translation.ts";
import { eventOf } from "./engine-reply.ts";
import { parsedJob } from "./parsed-job.ts";

/** All that the translation of a request for images needs; it can be cloned to another thread. */
export interface ImageJob {
  /** The caller's body, which was found to be a JSON object. */
  readonly body: Uint8Array;
  /** Its name at the provider. */
  readonly model: string;
}

export interface TranslatedImage {
  readonly body: Uint8Array;
  readonly path: string;
  readonly count: number;
  readonly losses: readonly Loss[];
}

/** Throws AppError `invalid_request`, `missing_field`. */
export function translateImage({ body, model }: ImageJob): TranslatedImage {
  const { body: sent, count, losses } = encodeA1111(parsedJob(body), model);
  return { body: Buffer.from(JSON.stringify(sent)), path: a1111Path, count, losses };
}

/** The same for the reply. */
export interface ImageReplyJob {
  readonly body: Uint8Array;
  readonly asked: PaintedFor;
  /** Seconds since 1970. */
  readonly created: number;
  /** Whether the caller wants events. */
  readonly stream: boolean;
}

export const imageUsage: UsageReaders = { body: createA1111Reader, stream: createA1111Reader };

export function translateImageReply({ body, asked, created, stream }: ImageReplyJob): TranslatedDocument {
  const painted = decodeA1111(parsedOrNothing(body), asked);
  if ("kind" in painted) return { failure: painted };
  if (!stream) return { body: Buffer.from(JSON.stringify(encodeImages(painted, created))) };
  const events = encodeImageEvents(painted, created).map((event) => eventOf({ ...event }));
  return { body: Buffer.from(events.join("")) };
}

function parsedOrNothing(body: Uint8Array): unknown {
  try {
    return parsedJob(body);
  } catch {
    return undefined;
  }
}
