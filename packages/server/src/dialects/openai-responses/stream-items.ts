import { CallItem } from "./call-item.ts";
import { MessageItem } from "./message-item.ts";
import { ReasoningItem } from "./reasoning-item.ts";
import type { ItemParts, StreamItem } from "./stream-item.ts";

export function createItem(type: string, parts: ItemParts): StreamItem {
  switch (type) {
    case "message":
      return new MessageItem(parts);
    case "reasoning":
      return new ReasoningItem(parts);
    case "function_call":
      return new CallItem(parts, "function");
    case "custom_tool_call":
      return new CallItem(parts, "custom");
    default:
      return passedOver;
  }
}

/** Calls of tools that the provider runs, of which nothing was asked for. */
const passedOver: StreamItem = {
  is: () => false,
  isDone: false,
  delta: () => undefined,
  whole: () => undefined,
  annotate: () => undefined,
  describe: () => undefined,
  end: () => undefined,
  isLost: false,
};
