import type { DialectRoute } from "../../dialects/index.ts";
import { AppError } from "../../kernel/errors.ts";
import type { Target } from "../../routing/index.ts";

type Topic = DialectRoute["topic"];

const words: Readonly<Record<NonNullable<Topic>, string>> = {
  conversation: "conversations",
  embedding: "embeddings",
  rerank: "reranking",
  image: "images",
  transcription: "transcription",
};

/** What a model of a provider is told that it was asked for and there is not. */
export function notOffered(topic: Topic, { model, provider }: Pick<Target, "model" | "provider">): AppError {
  const what = topic === undefined ? "such thing" : words[topic];
  return new AppError("not_offered", { model, provider: provider.name, what });
}

/** Throws AppError `not_offered` where the provider is there for something else only. */
export function requireOffered(topic: Topic, target: Target): void {
  const { only } = target.provider.media;
  if (only !== undefined && only !== topic) throw notOffered(topic, target);
}
