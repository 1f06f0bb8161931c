import { txt2img } from "./a1111.ts";
import { speech, transcriptions, translations } from "./audio.ts";
import { embeddings, moderations } from "./embeddings.ts";
import { imageEdits, imageGenerations } from "./images.ts";
import { cohereRerank, jinaRerank } from "./rerank.ts";
import type { Service } from "./vendor.ts";
import { inference } from "./whisper-cpp.ts";

/** The services by their paths. */
export const services: Readonly<Record<string, Service>> = {
  "/inference": inference,
  "/sdapi/v1/txt2img": txt2img,
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
