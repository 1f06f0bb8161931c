import { speech, transcriptions, translations } from "./audio.ts";
import { embeddings, moderations } from "./embeddings.ts";
import { imageEdits, imageGenerations } from "./images.ts";
import { cohereRerank, jinaRerank } from "./rerank.ts";
import type { Service } from "./vendor.ts";

/** The services by their paths. */
export const services: Readonly<Record<string, Service>> = {
  "/v1/audio/speech": speech,
  "/v1/audio/transcriptions": transcriptions,
  "/v1/audio/translations": translations,
  "/v1/embeddings": embeddings,
  "/v1/images/edits": imageEdits,
  "/v1/images/generations": imageGenerations,
  "/v1/moderations": moderations,
  "/v1/rerank": jinaRerank,
  "/v2/rerank": cohereRerank,
};
