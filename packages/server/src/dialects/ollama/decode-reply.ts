import { BlockWriter } from "../canonical/block-writer.ts";
import { Collector } from "../canonical/collect.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { Reply, UpstreamFailure } from "../canonical/reply.ts";
import { CallCounter, failureIn, writeDocument } from "./reply-document.ts";

/** A whole reply is a stream of one document. */
export function decodeReply(body: JsonObject): Reply | UpstreamFailure {
  const writer = new BlockWriter();
  writeDocument(
    "done" in body ? body : { ...body, done: "message" in body || "response" in body },
    new CallCounter(),
    writer,
  );
  const collector = new Collector();
  for (const event of writer.take()) collector.push(event);
  return collector.end ?? { kind: "broken", status: 200, message: "the reply is none of Ollama's, or has no end" };
}

export function decodeFailure(status: number, body: JsonObject | undefined): UpstreamFailure {
  return failureIn(body?.["error"], status);
}
