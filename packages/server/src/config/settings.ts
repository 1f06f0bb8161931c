import * as z from "zod";
import type { JSONSchema } from "zod/v4/core";
import { configSchema, flagNames, type SchemaNames } from "./schema.ts";

/** One thing that can be set, as the schema declares it. */
export interface Setting {
  /** Where it stands in the file; `ID` stands for any provider id and `[]` for any place in a list. */
  readonly path: readonly string[];
  /** `server.port`, `providers.ID.models[].name` */
  readonly key: string;
  readonly description: string;
  /** What to write there; completes "must be …". */
  readonly expects: string;
  readonly type: string;
  readonly default: unknown;
  readonly example: unknown;
  readonly confidential: boolean;
  /** Whether it is read at the start only. */
  readonly restart: boolean;
  /** The environment variable that sets it; settings of a single provider have none. */
  readonly environment: string | undefined;
  readonly flag: string | undefined;
}

/** A section of the file, and what it is about. */
export interface Section {
  readonly name: string;
  readonly description: string;
  readonly settings: readonly Setting[];
}

export type Path = readonly (string | number)[];

/** All settings, in the order of the schema. */
export function listSettings(names: SchemaNames): readonly Setting[] {
  return listSections(names).flatMap((section) => section.settings);
}

/** The same by section. */
export function listSections(names: SchemaNames): readonly Section[] {
  const root = z.toJSONSchema(configSchema(names), { io: "input" });
  return Object.entries(root.properties ?? {}).map(([name, node]) => {
    const schema = asSchema(node);
    return { name, description: schema.description ?? "", settings: settingsUnder(schema, [name]) };
  });
}

/** `providers.groq.models[0].name` */
export function formatPath(path: Path): string {
  return path
    .map((part, index) =>
      typeof part === "number" || part === "[]" ? `[${part === "[]" ? "" : part}]` : `${index === 0 ? "" : "."}${part}`,
    )
    .join("");
}

/** The setting that a place in the file belongs to: itself, or the one it is a part of. */
export function settingAt(settings: readonly Setting[], path: Path): Setting | undefined {
  const matching = settings.filter((setting) => setting.path.every((part, index) => partMatches(part, path[index])));
  return matching.sort((one, other) => other.path.length - one.path.length)[0];
}

/** What may stand under this place: `["server"]` gives `host`, `port`, …; any id is `ID`. */
export function childrenAt(settings: readonly Setting[], parent: Path): readonly string[] {
  return [...new Set(settingsWithin(settings, parent).flatMap((setting) => setting.path[parent.length] ?? []))];
}

/** The settings at or below a place: all of a section, or the one that is named. */
export function settingsWithin(settings: readonly Setting[], path: Path): readonly Setting[] {
  return settings.filter((setting) => path.every((actual, index) => partMatches(setting.path[index], actual)));
}

/** What a setting would be called at this place: the real id and index in the place of `ID` and `[]`. */
export function keyNear(setting: Setting, path: Path): string {
  return formatPath(setting.path.map((part, index) => (part === "ID" || part === "[]" ? (path[index] ?? part) : part)));
}

function partMatches(part: string | undefined, actual: string | number | undefined): boolean {
  if (part === "[]") return typeof actual === "number";
  return part === "ID" ? actual !== undefined : part !== undefined && part === actual;
}

function settingsUnder(schema: JSONSchema.BaseSchema, path: readonly string[]): readonly Setting[] {
  const children = schema.properties;
  if (children !== undefined) {
    return Object.entries(children).flatMap(([name, child]) => settingsUnder(asSchema(child), [...path, name]));
  }
  const each = asSchema(schema.additionalProperties);
  if (each.properties !== undefined) return settingsUnder(each, [...path, "ID"]);
  const items = Array.isArray(schema.items) ? {} : asSchema(schema.items);
  return [setting(schema, path), ...(items.properties === undefined ? [] : settingsUnder(items, [...path, "[]"]))];
}

function setting(schema: JSONSchema.BaseSchema, path: readonly string[]): Setting {
  const key = formatPath(path);
  const flags: Readonly<Record<string, string>> = flagNames;
  return {
    path,
    key,
    description: schema.description ?? "",
    expects: expectation(schema),
    type: typeof schema.type === "string" ? schema.type : "string",
    default: schema.default,
    example: schema["example"] ?? schema.default,
    confidential: schema["confidential"] === true,
    restart: schema["restart"] === true,
    environment: path.length === 2 ? `PORTCULLIS_${path.join("_").toUpperCase()}` : undefined,
    flag: flags[key],
  };
}

function expectation(schema: JSONSchema.BaseSchema): string {
  if (typeof schema["expects"] === "string") return schema["expects"];
  if (schema.enum !== undefined) return `one of ${schema.enum.join(", ")}`;
  return schema.type === "boolean" ? "true or false" : "text";
}

function asSchema(node: boolean | JSONSchema.BaseSchema | readonly unknown[] | undefined): JSONSchema.BaseSchema {
  return typeof node === "object" && !Array.isArray(node) ? (node as JSONSchema.BaseSchema) : {};
}
