import { parametersFailure, schemaFailure } from "./gemini-schema.ts";
import { invalid, shapeFailure } from "./gemini-shape.ts";
import type { Failure } from "./failure.ts";
import { promptTokens } from "./openai.ts";
import { type Ask, isThoughtSeal } from "./reply.ts";
import type { OfferedTool, ToolChoice } from "./tools.ts";
import type { Call } from "./vendor.ts";
import { firstOf, isInteger, isObject, type JsonObject, objectOf, objectsOf, stringOf } from "./wire.ts";

/** The first thing Google would find wrong with a request for content. */
export function contentFailure({ body }: Call, model: string): Failure | undefined {
  return (
    shapeFailure("GenerateContentRequest", body) ??
    configFailure(objectOf(body["generationConfig"])) ??
    firstOf(declarationsOf(body), declarationFailure) ??
    turnsFailure(body["contents"]) ??
    signatureFailure(objectsOf(body["contents"]), model)
  );
}

function configFailure(config: JsonObject): Failure | undefined {
  const { temperature, maxOutputTokens, stopSequences, responseSchema } = config;
  if (typeof temperature === "number" && (temperature < 0 || temperature > 2)) {
    return invalid(
      `* GenerateContentRequest.generation_config.temperature: temperature must be in the range [0.0, 2.0].\n`,
    );
  }
  if (isInteger(maxOutputTokens, Number.MIN_SAFE_INTEGER) && maxOutputTokens < 1) {
    return invalid(
      "* GenerateContentRequest.generation_config.max_output_tokens: max_output_tokens must be positive.\n",
    );
  }
  if (Array.isArray(stopSequences) && stopSequences.length > 5) {
    return invalid(
      "* GenerateContentRequest.generation_config.stop_sequences: at most 5 stop sequences are supported.\n",
    );
  }
  if (responseSchema === undefined) return undefined;
  return schemaFailure(responseSchema, "GenerateContentRequest.generation_config.response_schema");
}

function declarationFailure(declaration: JsonObject, index: number): Failure | undefined {
  if (!/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/.test(stringOf(declaration["name"]))) {
    return invalid(
      "Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.",
    );
  }
  const { parameters } = declaration;
  if (parameters === undefined) return undefined;
  if (declaration["parametersJsonSchema"] !== undefined)
    return invalid("parameters and parameters_json_schema are mutually exclusive.");
  return parametersFailure(parameters, `GenerateContentRequest.tools[0].function_declarations[${index}].parameters`);
}

function turnsFailure(contents: unknown): Failure | undefined {
  const turns = objectsOf(contents);
  if (turns.length === 0) return invalid("* GenerateContentRequest.contents: contents is not specified\n");
  return firstOf(turns, turnFailure) ?? pairingFailure(turns);
}

const partKinds = [
  "text",
  "inlineData",
  "fileData",
  "functionCall",
  "functionResponse",
  "executableCode",
  "codeExecutionResult",
  "toolCall",
  "toolResponse",
];

function turnFailure(turn: JsonObject, index: number): Failure | undefined {
  const { role, parts } = turn;
  if (role !== undefined && role !== "user" && role !== "model" && role !== "function") {
    return invalid("Please use a valid role: user, model.");
  }
  const at = `* GenerateContentRequest.contents[${index}].parts`;
  if (objectsOf(parts).length === 0) return invalid(`${at}: contents.parts must not be empty.\n`);
  return firstOf(objectsOf(parts), (part, place) =>
    partKinds.some((kind) => part[kind] !== undefined)
      ? undefined
      : invalid(`${at}[${place}].data: required oneof field 'data' must have one initialized field\n`),
  );
}

/** Every turn with calls is followed by one with as many results. */
function pairingFailure(turns: readonly JsonObject[]): Failure | undefined {
  return firstOf(turns, (turn, index) => {
    const calls = partsOf(turn, "functionCall").length;
    const results = partsOf(turns[index + 1] ?? {}, "functionResponse").length;
    if (calls > 0 && turn["role"] !== "model") return invalid("Please use a valid role: user, model.");
    if (calls === results || (calls > 0 && index === turns.length - 1)) return undefined;
    return invalid(
      "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.",
    );
  });
}

/** What clients may send in the place of a signature they do not have. */
const waiver = "skip_thought_signature_validator";

/**
 * Signatures must come back as they were given. The third generation of models wants one on the first call of each of
 * the turns since the user last spoke.
 */
function signatureFailure(turns: readonly JsonObject[], model: string): Failure | undefined {
  const lastSaid = turns.findLastIndex((turn) => turn["role"] !== "model" && partsOf(turn, "text").length > 0);
  return firstOf(turns, (turn, index) => {
    const parts = objectsOf(turn["parts"]);
    const forged = parts.find(({ thoughtSignature: sign }) => sign !== undefined && !isSignature(stringOf(sign)));
    if (forged !== undefined) return invalid("Thought signature is not valid.");
    const call = parts.find((part) => part["functionCall"] !== undefined);
    if (!signs(model) || index < lastSaid || call === undefined || call["thoughtSignature"] !== undefined)
      return undefined;
    const name = stringOf(objectOf(call["functionCall"])["name"]);
    return invalid(
      `Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call \`default_api:${name}\` , position ${index + 1}.`,
    );
  });
}

function isSignature(signature: string): boolean {
  return signature === waiver || isThoughtSeal(signature);
}

/** Whether the model signs its calls, and wants to see the signatures again. */
export function signs(model: string): boolean {
  return /^gemini-(?:[3-9]|\d\d)/.test(model);
}

export function readContent({ body, bytes }: Call, model: string, stream: boolean): Ask {
  const turns = objectsOf(body["contents"]);
  const lastAnswer = turns.findLastIndex((turn) => turn["role"] === "model");
  const fresh = turns.slice(lastAnswer + 1);
  const config = objectOf(body["generationConfig"]);
  return {
    model,
    stream,
    text: fresh.flatMap((turn) => partsOf(turn, "text").map((part) => stringOf(part["text"]))).at(-1) ?? "",
    toolOutputs: fresh.flatMap((turn) => partsOf(turn, "functionResponse").map(outputOf)),
    tools: declarationsOf(body).map(offeredTool),
    toolChoice: choiceOf(objectOf(objectOf(body["toolConfig"])["functionCallingConfig"])),
    thinks: objectOf(config["thinkingConfig"])["includeThoughts"] === true,
    maxTokens: isInteger(config["maxOutputTokens"]) ? config["maxOutputTokens"] : undefined,
    prompt: promptTokens(bytes, lastAnswer >= 0),
  };
}

function partsOf(turn: JsonObject, kind: string): readonly JsonObject[] {
  return objectsOf(turn["parts"]).filter((part) => part[kind] !== undefined && part["thought"] !== true);
}

/** What a tool returned: by custom under `output` or `result`. */
function outputOf(part: JsonObject): string {
  const response = objectOf(objectOf(part["functionResponse"])["response"]);
  const said = response["output"] ?? response["result"] ?? response["content"];
  return typeof said === "string" ? said : JSON.stringify(said ?? response);
}

function declarationsOf(body: JsonObject): readonly JsonObject[] {
  return objectsOf(body["tools"]).flatMap((tool) => objectsOf(tool["functionDeclarations"]));
}

function offeredTool(declaration: JsonObject): OfferedTool {
  const { name, parameters, parametersJsonSchema } = declaration;
  const schema = objectOf(parametersJsonSchema ?? lowerTypes(parameters));
  return { name: stringOf(name), kind: "function", schema };
}

/** Google writes `OBJECT` where JSON Schema writes `object`. */
function lowerTypes(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(lowerTypes);
  if (!isObject(schema)) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === "type" && typeof value === "string" ? value.toLowerCase() : lowerTypes(value),
    ]),
  );
}

function choiceOf({ mode, allowedFunctionNames }: JsonObject): ToolChoice {
  if (mode === "NONE") return "none";
  if (mode !== "ANY") return "auto";
  const [name, ...others] = Array.isArray(allowedFunctionNames) ? allowedFunctionNames.map(stringOf) : [];
  return name !== undefined && others.length === 0 ? { name } : "any";
}
