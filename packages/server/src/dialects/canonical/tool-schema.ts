import type { ModelTraits } from "../../kernel/model-traits.ts";
import type { JsonObject } from "./conversation.ts";
import type { Loss } from "./loss.ts";
import { ollamaParameters } from "./tool-schema-ollama.ts";
import { openapiParameters, openapiSchema } from "./tool-schema-openapi.ts";
import { type SchemaBudget, SchemaReader } from "./tool-schema-reader.ts";
import { withoutUnion } from "./tool-schema-union.ts";
import { isObject } from "./wire.ts";

/*
 * The schema of a tool's arguments, for providers that take less of JSON Schema than the caller wrote. What is lowered is only
 * ever wider: arguments that the caller's schema allows, the lowered one does too. Whoever runs the tool checks them anyway.
 *
 * Three things are taken for what people mean by them and not for what they say: a schema without a type that has properties
 * is an object, one with items is an array, and a tuple has no more items than it names. And where the caller allows anything,
 * Google's subset has nothing as wide: of lists within lists it says one level.
 */

export interface LoweredSchema {
  /** Undefined where there is nothing to say: a function that takes no arguments, of a provider that wants none then. */
  readonly schema: JsonObject | undefined;
  readonly losses: readonly Loss[];
}

/**
 * `json-schema`: an object at the top, with properties and without a choice between several, which is what all of them want;
 * else as it came. `openapi`: Google's subset, without references, types in capitals. `ollama`: what its parser reads.
 * Of a schema that is deeper or larger than any tool's, what is beyond is left open; and of several that share a `budget`,
 * what comes when it is spent. Losses stand at `path`, in one.
 */
export function lowerSchema(
  schema: JsonObject | undefined,
  kind: ModelTraits["toolSchema"],
  path: string,
  budget?: SchemaBudget,
): LoweredSchema {
  const reader = new SchemaReader(schema ?? {}, budget);
  const lowered = lowerAs(kind, reader);
  return { schema: lowered, losses: lossesAt(path, reader) };
}

/** The same for the schema of an answer, which need not be an object, in Google's subset. */
export function openapiOf(schema: JsonObject, path: string): LoweredSchema & { readonly schema: JsonObject } {
  const reader = new SchemaReader(schema);
  const lowered = openapiSchema(reader);
  return { schema: lowered, losses: lossesAt(path, reader) };
}

function lossesAt(path: string, { lost }: SchemaReader): readonly Loss[] {
  if (lost.length === 0) return [];
  return [{ path, kind: "changed", why: `the provider's schemas cannot say ${lost.join(", ")}; less is asked for` }];
}

function lowerAs(kind: ModelTraits["toolSchema"], reader: SchemaReader): JsonObject | undefined {
  if (kind === "openapi") return openapiParameters(reader);
  return kind === "ollama" ? ollamaParameters(reader) : plainObject(reader);
}

/** What must not stand at the top of a schema with most providers. */
const choices = ["$ref", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "enum", "const"] as const;

function plainObject(reader: SchemaReader): JsonObject {
  const { root } = reader;
  const isPlain = choices.every((key) => root[key] === undefined);
  if (isPlain && root["type"] === "object") return isObject(root["properties"]) ? root : { ...root, properties: {} };
  const { schema } = withoutUnion(reader, reader.open(root));
  reader.loseAll(schema, ["not", "if"]);
  const kept = Object.entries(schema).filter(([key]) => !choices.some((choice) => choice === key));
  const definitions = Object.entries(root).filter(([key]) => key === "$defs" || key === "definitions");
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  return { ...Object.fromEntries([...kept, ...definitions]), type: "object", properties };
}
