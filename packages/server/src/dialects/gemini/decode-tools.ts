import type { JsonObject, Tool, ToolChoice } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import {
  invalid,
  objectAt,
  optionalList,
  optionalObject,
  optionalText,
  present,
  textAt,
  textsAt,
} from "../canonical/wire.ts";
import { camelNames } from "./field-names.ts";
import { jsonSchemaOf } from "./openapi-schema.ts";

/** Functions, which any entry may declare. What Google would run itself is left out. */
export function decodeTools(value: unknown, losses: Losses): readonly Tool[] {
  const tools = new Map<string, Tool>();
  for (const [index, entry] of optionalList(value, "tools").entries()) {
    const path = `tools[${index}]`;
    const { functionDeclarations, ...hosted } = camelNames(objectAt(entry, path));
    for (const [name, settings] of Object.entries(hosted)) {
      if (name.includes("_") || settings === null || settings === undefined) continue; // a second spelling
      losses.dropped(`${path}.${name}`, "only Google can run it");
    }
    for (const [at, declaration] of optionalList(functionDeclarations, `${path}.functionDeclarations`).entries()) {
      const place = `${path}.functionDeclarations[${at}]`;
      const tool = decodeDeclaration(camelNames(objectAt(declaration, place)), place, losses);
      if (tools.has(tool.name)) losses.dropped(place, "there is another function of this name before it");
      else tools.set(tool.name, tool);
    }
  }
  return [...tools.values()];
}

function decodeDeclaration(declaration: JsonObject, path: string, losses: Losses): Tool {
  const name = textAt(declaration["name"], `${path}.name`);
  if (name === "") throw invalid(`${path}.name`, "must not be empty");
  const plain = optionalObject(declaration["parametersJsonSchema"], `${path}.parametersJsonSchema`);
  const subset = optionalObject(declaration["parameters"], `${path}.parameters`);
  if (declaration["behavior"] === "NON_BLOCKING")
    losses.dropped(`${path}.behavior`, "the model waits for what a function returns");
  if (declaration["response"] !== undefined || declaration["responseJsonSchema"] !== undefined)
    losses.hint(`${path}.response`, "others are not told what a function returns");
  return present({
    kind: "function" as const,
    name,
    description: optionalText(declaration["description"], `${path}.description`),
    parameters: plain ?? (subset === undefined ? undefined : jsonSchemaOf(subset)),
  });
}

/** `VALIDATED` is left to the model, but for the form of the calls. */
export function decodeToolConfig(value: JsonObject | undefined, losses: Losses): ToolChoice | undefined {
  if (value === undefined) return undefined;
  const { functionCallingConfig, retrievalConfig } = camelNames(value);
  if (retrievalConfig !== undefined && retrievalConfig !== null)
    losses.dropped("toolConfig.retrievalConfig", "only Google searches by place");
  const path = "toolConfig.functionCallingConfig";
  const config = camelNames(optionalObject(functionCallingConfig, path) ?? {});
  const names = textsAt(config["allowedFunctionNames"], `${path}.allowedFunctionNames`);
  const mode = (optionalText(config["mode"], `${path}.mode`) ?? "").toUpperCase();
  switch (mode) {
    case "":
    case "MODE_UNSPECIFIED":
      return undefined;
    case "AUTO":
      return { type: "auto" };
    case "NONE":
      return { type: "none" };
    case "ANY":
      return forced(names);
    case "VALIDATED":
      return names.length === 0 ? { type: "auto" } : { type: "allowed", names, required: false };
    default:
      throw invalid(`${path}.mode`, "must be AUTO, ANY, NONE or VALIDATED");
  }
}

function forced(names: readonly string[]): ToolChoice {
  const [name, ...others] = names;
  if (name === undefined) return { type: "any" };
  return others.length === 0 ? { type: "tool", name } : { type: "allowed", names, required: true };
}
