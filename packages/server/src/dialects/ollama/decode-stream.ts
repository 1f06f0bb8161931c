import type { ServerEvent } from "../../kernel/sse.ts";
import { BlockWriter } from "../canonical/block-writer.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { ReplyEvent } from "../canonical/reply.ts";
import { isObject } from "../canonical/wire.ts";
import type { StreamDecoder } from "../codec.ts";
import { CallCounter, writeDocument } from "./reply-document.ts";

/** Lines of JSON. The one with `done: true` is the last, and states the usage. */
export function createStreamDecoder(): StreamDecoder {
  const writer = new BlockWriter();
  const calls = new CallCounter();

  return {
    push(event: ServerEvent): readonly ReplyEvent[] {
      if (event.data.trim() === "") return [];
      const document = parse(event.data);
      if (document === undefined) {
        writer.fail({ kind: "broken", status: 200, message: "a line of the stream is no JSON object" });
      } else writeDocument(document, calls, writer);
      return writer.take();
    },
    end() {
      writer.fail({ kind: "broken", status: 200, message: "the stream ended before the reply was done" });
      return writer.take();
    },
  };
}

function parse(data: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
