import { estimateInputTokens } from "../../dialects/index.ts";
import { readBody, type BodyLimits } from "../../ingress/index.ts";
import type { Exchange } from "../exchange.ts";
import { decode, type Asked } from "./decode.ts";

/** Reads the body and what routing needs of it. Throws what `readBody` and `decode` throw. */
export async function receive(exchange: Exchange, limits: BodyLimits): Promise<Asked> {
  const body = await readBody(exchange.request, limits);
  exchange.requestBytes = body.length;
  if (exchange.route.purpose === "inference") exchange.estimatedInput = estimateInputTokens(body);
  return decode(exchange, body);
}
