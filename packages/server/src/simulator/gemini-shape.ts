import type { Failure } from "./failure.ts";
import { isObject } from "./wire.ts";

/*
 * What Google's parser knows. A field that is not here is refused with the whole request, as it does; a name may be written
 * in camel case or in snake case. https://ai.google.dev/api/generate-content
 */

/** What a value must be: a plain type, another message, a list of either, or anything. */
type Kind =
  | "any"
  | "string"
  | "number"
  | "integer"
  | "boolean"
  | MessageName
  | readonly [Kind]
  | { readonly mapOf: Kind };

type MessageName = keyof typeof messages;

const messages = {
  GenerateContentRequest: {
    model: "string",
    contents: ["Content"],
    systemInstruction: "Content",
    tools: ["Tool"],
    toolConfig: "ToolConfig",
    safetySettings: ["SafetySetting"],
    generationConfig: "GenerationConfig",
    cachedContent: "string",
    labels: { mapOf: "string" },
    store: "boolean",
    serviceTier: "string",
  },
  CountTokensRequest: { contents: ["Content"], generateContentRequest: "GenerateContentRequest" },
  EmbedContentRequest: {
    model: "string",
    content: "Content",
    taskType: "string",
    title: "string",
    outputDimensionality: "integer",
  },
  BatchEmbedContentsRequest: { requests: ["EmbedContentRequest"] },
  Content: { role: "string", parts: ["Part"] },
  Part: {
    text: "string",
    thought: "boolean",
    thoughtSignature: "string",
    inlineData: "Blob",
    fileData: "FileData",
    functionCall: "FunctionCall",
    functionResponse: "FunctionResponse",
    executableCode: "any",
    codeExecutionResult: "any",
    toolCall: "any",
    toolResponse: "any",
    videoMetadata: "any",
    mediaResolution: "any",
    partMetadata: "any",
  },
  Blob: { mimeType: "string", data: "string", displayName: "string" },
  FileData: { mimeType: "string", fileUri: "string", displayName: "string" },
  FunctionCall: { id: "string", name: "string", args: "any", partialArgs: ["any"], willContinue: "boolean" },
  FunctionResponse: {
    id: "string",
    name: "string",
    response: "any",
    parts: ["any"],
    willContinue: "boolean",
    scheduling: "string",
  },
  Tool: {
    functionDeclarations: ["FunctionDeclaration"],
    googleSearch: "any",
    googleSearchRetrieval: "any",
    googleMaps: "any",
    codeExecution: "any",
    computerUse: "any",
    urlContext: "any",
    fileSearch: "any",
    mcpServers: ["any"],
  },
  FunctionDeclaration: {
    name: "string",
    description: "string",
    behavior: "string",
    parameters: "Schema",
    parametersJsonSchema: "any",
    response: "Schema",
    responseJsonSchema: "any",
  },
  Schema: {
    type: "string",
    format: "string",
    title: "string",
    description: "string",
    nullable: "boolean",
    enum: ["string"],
    items: "Schema",
    prefixItems: ["Schema"],
    minItems: "any",
    maxItems: "any",
    properties: { mapOf: "Schema" },
    propertyOrdering: ["string"],
    required: ["string"],
    minProperties: "any",
    maxProperties: "any",
    minimum: "number",
    maximum: "number",
    minLength: "any",
    maxLength: "any",
    pattern: "string",
    example: "any",
    default: "any",
    anyOf: ["Schema"],
  },
  ToolConfig: {
    functionCallingConfig: "FunctionCallingConfig",
    retrievalConfig: "any",
    includeServerSideToolInvocations: "boolean",
  },
  FunctionCallingConfig: {
    mode: "string",
    allowedFunctionNames: ["string"],
    streamFunctionCallArguments: "boolean",
  },
  SafetySetting: { category: "string", threshold: "string" },
  ThinkingConfig: { includeThoughts: "boolean", thinkingBudget: "integer", thinkingLevel: "string" },
  GenerationConfig: {
    temperature: "number",
    topP: "number",
    topK: "number",
    candidateCount: "integer",
    maxOutputTokens: "integer",
    stopSequences: ["string"],
    seed: "integer",
    presencePenalty: "number",
    frequencyPenalty: "number",
    responseMimeType: "string",
    responseSchema: "Schema",
    responseJsonSchema: "any",
    responseFormat: "any",
    responseModalities: ["string"],
    responseLogprobs: "boolean",
    logprobs: "integer",
    enableEnhancedCivicAnswers: "boolean",
    speechConfig: "any",
    imageConfig: "any",
    thinkingConfig: "ThinkingConfig",
    mediaResolution: "string",
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const wireTypes: Readonly<Record<string, string>> = {
  string: "TYPE_STRING",
  number: "TYPE_FLOAT",
  integer: "TYPE_INT32",
  boolean: "TYPE_BOOL",
};

export function invalid(message: string): Failure {
  return { status: 400, message };
}

/** The first thing in a message that Google's parser would stumble over. */
export function shapeFailure(name: MessageName, value: unknown): Failure | undefined {
  return messageFailure(name, value, "");
}

function messageFailure(name: MessageName, value: unknown, at: string): Failure | undefined {
  if (!isObject(value)) return invalidValue(at, "type.googleapis.com/google.ai.generativelanguage", value);
  const fields: Readonly<Record<string, Kind>> = messages[name];
  for (const [field, member] of Object.entries(value)) {
    const known = camelCase(field);
    if (!Object.hasOwn(fields, known)) return unknownName(field, at);
    const failure = valueFailure(fields[known] ?? "any", member, join(at, snakeCase(known)));
    if (failure !== undefined) return failure;
  }
  return undefined;
}

function valueFailure(kind: Kind, value: unknown, at: string): Failure | undefined {
  if (kind === "any" || value === null) return undefined;
  if (typeof kind === "string") {
    if (Object.hasOwn(messages, kind)) return messageFailure(kind as MessageName, value, at); // it has just been looked up
    return isPlain(kind, value) ? undefined : invalidValue(at, wireTypes[kind] ?? kind, value);
  }
  if ("mapOf" in kind) return mapFailure(kind.mapOf, value, at);
  if (!Array.isArray(value)) return invalidValue(at, "a list", value);
  return firstFailure(
    value.map((one: unknown, index) => [one, `${at}[${index}]`]),
    kind[0],
  );
}

function mapFailure(kind: Kind, value: unknown, at: string): Failure | undefined {
  if (!isObject(value)) return invalidValue(at, "a map", value);
  return firstFailure(
    Object.entries(value).map(([key, one]) => [one, `${at}[${key}]`]),
    kind,
  );
}

function firstFailure(entries: readonly (readonly [unknown, string])[], kind: Kind): Failure | undefined {
  for (const [value, at] of entries) {
    const failure = valueFailure(kind, value, at);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

function isPlain(kind: string, value: unknown): boolean {
  if (kind === "integer") return Number.isInteger(value);
  return typeof value === kind;
}

function unknownName(field: string, at: string): Failure {
  const place = at === "" ? "" : ` at '${at}'`;
  return invalid(`Invalid JSON payload received. Unknown name "${field}"${place}: Cannot find field.`);
}

function invalidValue(at: string, type: string, value: unknown): Failure {
  return invalid(`Invalid value at '${at}' (${type}), ${JSON.stringify(value)}`);
}

function join(at: string, field: string): string {
  return at === "" ? field : `${at}.${field}`;
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
