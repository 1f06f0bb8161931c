import type { ScannedObject } from "../../kernel/json-scan.ts";
import { type MediaUsage, noMedia, type TokenUsage } from "../../kernel/tokens.ts";
import { bodyKeys } from "../body-keys.ts";
import type { UsageReader } from "../dialect.ts";
import { countCharacters } from "../count-characters.ts";
import { openaiTokens } from "../openai-tokens.ts";
import { createEventReader, createStatedReader } from "./stated.ts";

const names = {
  input: "input_tokens",
  inputDetails: "input_tokens_details",
  output: "output_tokens",
  outputDetails: "output_tokens_details",
};

/** All that is put out is audio. */
function speechTokens(usage: unknown): TokenUsage | undefined {
  const tokens = openaiTokens(usage, names);
  return tokens && { ...tokens, media: { ...noMedia, outputAudio: tokens.output } };
}

/** For `stream_format: "sse"`; a stream of sound states nothing. */
export function createSpeechEventReader(): UsageReader {
  return createEventReader({ ending: ".done", tokens: speechTokens, deltasAreText: false });
}

export function createSpeechReader(): UsageReader {
  return createStatedReader(["usage"], (member) => speechTokens(member("usage")));
}

export const speechKeys = bodyKeys("input");

/** Speech is charged by the character, a pair of surrogates being one. */
export function spokenText(body: Buffer, fields: ScannedObject): MediaUsage {
  return { ...noMedia, characters: countCharacters(body, fields.get("input")) };
}
