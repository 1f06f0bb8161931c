import { createEngineReply, imageUsage } from "../../dialects/index.ts";
import type { Target } from "../../routing/index.ts";
import type { Exchange } from "../exchange.ts";
import type { PipelineParts } from "../pipeline.ts";
import type { AskedJson } from "./decode.ts";
import { notOffered } from "./offered.ts";
import type { Translated } from "./translate.ts";

/** A request for images to an engine of another shape. Throws AppError `not_offered`, and what the translation throws. */
export async function translateImage(
  exchange: Exchange,
  { body, stream }: AskedJson,
  target: Target,
  { translation: { translator } }: PipelineParts,
): Promise<Translated> {
  if (target.dialect !== exchange.dialect.id) throw notOffered("image", target);
  const { model } = target;
  const { count, ...sent } = await translator.request("image", { body, model });
  const created = Math.floor(exchange.startedAt / 1000);
  const reply = createEngineReply({
    usage: imageUsage,
    contentType: "application/json",
    translate: (bytes) => translator.request("image_reply", { body: bytes, asked: { model, count }, created, stream }),
  });
  return { sent: { ...sent, headers: { accept: "application/json" } }, reply };
}
