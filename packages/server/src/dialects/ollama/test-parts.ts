import { unknownTraits, type ModelTraits } from "../../kernel/model-traits.ts";
import { testSeal } from "../canonical/test-parts.ts";
import type { ReplyContext, TargetModel } from "../codec.ts";

/** A model of Ollama's that can do what the dialect can say. */
export function targetModel(traits: Partial<ModelTraits> = {}): TargetModel {
  const usual: Partial<ModelTraits> = { thinking: "switch", documents: false, audio: false, toolSchema: "ollama" };
  return {
    provider: "ollama",
    model: "qwen3:8b",
    traits: { ...unknownTraits, ...usual, ...traits },
    asksForUsage: false,
  };
}

export function replyContext(generate = false): ReplyContext {
  return {
    requestId: "req_1",
    createdAt: 1_795_000_000,
    model: "house-model",
    framing: "ndjson",
    echo: { generate },
    tools: [],
    estimatedInput: 3,
    seal: testSeal,
  };
}
