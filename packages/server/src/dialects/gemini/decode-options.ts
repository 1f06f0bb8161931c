import type { Conversation, JsonObject, OutputFormat, Reasoning } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import {
  invalid,
  optionalCount,
  optionalFlag,
  optionalList,
  optionalNumber,
  optionalObject,
  optionalText,
  present,
  textsAt,
} from "../canonical/wire.ts";
import { camelNames, unknownFields } from "./field-names.ts";
import { jsonSchemaOf } from "./openapi-schema.ts";

const root = "generationConfig";

type Options = Pick<Conversation, "maxOutputTokens" | "sampling" | "stop" | "reasoning" | "output">;

/** Fields of a number that mean the same everywhere. */
const samplingNames = ["temperature", "topP", "topK", "seed", "presencePenalty", "frequencyPenalty"] as const;

const otherNames = [
  "candidateCount",
  "maxOutputTokens",
  "stopSequences",
  "thinkingConfig",
  "responseMimeType",
  "responseSchema",
  "responseJsonSchema",
  "_responseJsonSchema",
  "ResponseJsonSchema", // the same in camel case
  "responseModalities",
  "mediaResolution",
  "audioTimestamp",
  "enableEnhancedCivicAnswers",
  "logprobs",
];
const known: ReadonlySet<string> = new Set([...samplingNames, ...otherNames]);

export function decodeConfig(written: JsonObject, losses: Losses): Options {
  const config = camelNames(written);
  noteRest(config, losses);
  const sampling = Object.fromEntries(
    samplingNames.map((name) => [name, optionalNumber(config[name], `${root}.${name}`)]),
  );
  return present({
    maxOutputTokens: optionalCount(config["maxOutputTokens"], `${root}.maxOutputTokens`),
    sampling: present(sampling),
    stop: textsAt(config["stopSequences"], `${root}.stopSequences`).filter((stop) => stop !== ""),
    reasoning: decodeThinking(optionalObject(config["thinkingConfig"], `${root}.thinkingConfig`)),
    output: decodeOutput(config, losses),
  });
}

function noteRest(config: JsonObject, losses: Losses): void {
  const { candidateCount, responseModalities, mediaResolution, logprobs } = config;
  if ((optionalCount(candidateCount, `${root}.candidateCount`) ?? 1) > 1)
    throw invalid(`${root}.candidateCount`, "must be 1 for this model; ask as often as you want answers");
  const modalities = optionalList(responseModalities, `${root}.responseModalities`);
  if (modalities.some((modality) => String(modality).toUpperCase() !== "TEXT"))
    losses.dropped(`${root}.responseModalities`, "the answer is text");
  if (mediaResolution !== undefined && mediaResolution !== null)
    losses.hint(`${root}.mediaResolution`, "how closely images are looked at is the provider's choice");
  if (logprobs !== undefined && logprobs !== null) losses.dropped(`${root}.logprobs`, "no probabilities are told");
  for (const name of unknownFields(config, known)) losses.dropped(`${root}.${name}`, "it is not known here");
}

/** A budget of -1 leaves it to the model. */
function decodeThinking(written: JsonObject | undefined): Reasoning | undefined {
  if (written === undefined) return undefined;
  const config = camelNames(written);
  const path = `${root}.thinkingConfig`;
  const shown = optionalFlag(config["includeThoughts"], `${path}.includeThoughts`) ?? false;
  const budget = optionalNumber(config["thinkingBudget"], `${path}.thinkingBudget`);
  const level = optionalText(config["thinkingLevel"], `${path}.thinkingLevel`)?.toLowerCase();
  if (level !== undefined && level !== "thinking_level_unspecified") {
    const effort = (["minimal", "low", "medium", "high"] as const).find((word) => word === level);
    if (effort === undefined) throw invalid(`${path}.thinkingLevel`, "must be MINIMAL, LOW, MEDIUM or HIGH");
    return { effort, shown };
  }
  if (budget === 0) return { effort: "none", shown: false };
  return budget === undefined || budget < 0 ? { shown } : { budgetTokens: Math.ceil(budget), shown };
}

function decodeOutput(config: JsonObject, losses: Losses): OutputFormat | undefined {
  const type = optionalText(config["responseMimeType"], `${root}.responseMimeType`) ?? "";
  const plain = optionalObject(
    config["responseJsonSchema"] ?? config["_responseJsonSchema"],
    `${root}.responseJsonSchema`,
  );
  const subset = optionalObject(config["responseSchema"], `${root}.responseSchema`);
  if (type === "" || type === "text/plain") return undefined;
  if (type !== "application/json") {
    losses.dropped(`${root}.responseMimeType`, `only Google answers in ${type}`);
    return undefined;
  }
  const schema = plain ?? (subset === undefined ? undefined : jsonSchemaOf(subset));
  return schema === undefined ? { type: "json" } : { type: "schema", name: "response", schema };
}
