import { Collector } from "../canonical/collect.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { Reply, UpstreamFailure } from "../canonical/reply.ts";
import type { ReplyOrigin } from "../codec.ts";
import { ReplyReader } from "./decode-stream.ts";

/** A whole reply has the form of a stream's only event. */
export function decodeReply(body: JsonObject, origin: ReplyOrigin): Reply | UpstreamFailure {
  const reader = new ReplyReader(origin);
  const collector = new Collector();
  reader.take(body);
  for (const event of reader.end()) collector.push(event);
  return collector.end ?? { kind: "broken", status: 200, message: "the reply is none" };
}
