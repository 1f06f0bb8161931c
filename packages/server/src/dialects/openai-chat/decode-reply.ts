import { Collector } from "../canonical/collect.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { Reply, UpstreamFailure } from "../canonical/reply.ts";
import type { ReplyOrigin } from "../codec.ts";
import { ChunkReader } from "./chunk-reader.ts";

/** A whole reply is read as a stream of one chunk. */
export function decodeReply(body: JsonObject, origin: ReplyOrigin): Reply | UpstreamFailure {
  const reader = new ChunkReader(origin, true);
  const collector = new Collector();
  reader.push(body);
  reader.done();
  for (const event of reader.take()) collector.push(event);
  return collector.end ?? { kind: "broken", status: 200, message: "the reply is empty" };
}
