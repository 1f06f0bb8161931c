import type { DialectRoute, ImageShapeId, TranscriptionShapeId } from "../dialects/index.ts";

/** In which shape a provider of OpenAI's dialect takes what is no text, and what it is there for. */
export interface MediaRules {
  readonly images: ImageShapeId;
  readonly transcription: TranscriptionShapeId;
  /** All that it does, where that is one thing; its other addresses, some of which change it for everyone, are never called. */
  readonly only: DialectRoute["topic"];
}

export const usualMedia: MediaRules = { images: "openai", transcription: "openai", only: undefined };
