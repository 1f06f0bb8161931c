import { isAbsolute, join, relative, resolve } from "node:path";
import { variableName } from "../kernel/reference.ts";
import { Secret } from "../kernel/secret.ts";
import { toConfig, type Config } from "./config.ts";
import { failedDocument, readDocument, type ConfigDocument, type Position } from "./document.ts";
import {
  parseValue,
  settingsFromEnvironment,
  takeSecrets,
  takeVariable,
  unknownVariables,
  type Environment,
  type ExternalVariables,
  type Override,
  type TakenEnvironment,
} from "./environment.ts";
import { findingsOf, isMapping, valueAt, type Finding } from "./issues.ts";
import { display } from "./mask.ts";
import { checkRules } from "./rules.ts";
import { configSchema, type flagNames, type SchemaNames } from "./schema.ts";
import { listSettings, type Path, type Setting } from "./settings.ts";

// Puts the layers on top of each other (flag, environment, file, default) and finds everything that is wrong.

/** What config is told by its caller, since it knows no other module. */
export interface ConfigNames extends SchemaNames {
  /** Variables that hold API keys of providers, such as OPENAI_API_KEY. Their values are taken out of the environment. */
  readonly keyVariables: readonly string[];
  /** Variables of other vendors' tools that this product understands; all are taken out of the environment. */
  readonly externalVariables?: ExternalVariables;
}

export interface Sources {
  readonly names: ConfigNames;
  /** Values of flags, by the setting each stands for. */
  readonly flags: { readonly [Key in keyof typeof flagNames]?: string | number | undefined };
  /** `--config`; without it portcullis.yaml is looked for in `directory`, then in the home directory. */
  readonly file: string | undefined;
  /** `--home` */
  readonly home: string | undefined;
  readonly environment: Environment;
  /** The working directory. */
  readonly directory: string;
  /** The user's home directory, in which ours lies by default. */
  readonly userHome: string;
}

/** Where a value comes from. */
export type Origin =
  | { readonly kind: "flag" | "environment"; readonly name: string }
  | ({ readonly kind: "file"; readonly file: string } & Position)
  | { readonly kind: "default" };

/** A setting and the value that is in force, as the file would write it. */
export interface EffectiveSetting {
  readonly setting: Setting;
  /** As in `setting.path`, with the real id of a provider in the place of `ID`. */
  readonly path: Path;
  /** Fit to be shown: what is confidential is masked. `undefined` if it has none. */
  readonly value: unknown;
  /** The value itself, parsed and as JSON, to be compared with an earlier one. */
  readonly exact: Secret;
  readonly origin: Origin;
}

/** Everything there is to know about a configuration, valid or not. */
export interface Survey {
  /** `undefined` if there are problems. */
  readonly config: Config | undefined;
  /** The home directory, absolute. It may not exist yet. */
  readonly home: string;
  /** The file that was read, absolute; `undefined` if there is none. */
  readonly file: string | undefined;
  readonly environment: TakenEnvironment;
  /** Every setting of the product and of each declared provider and route. */
  readonly settings: readonly EffectiveSetting[];
  /** `portcullis.yaml:12:3: unknown key "server.prot"; did you mean "server.port"?`, in the order of the file. */
  readonly problems: readonly string[];
}

export function survey(sources: Sources): Survey {
  const { names, directory, environment } = sources;
  const settings = listSettings(names);
  const unknown = unknownVariables(environment, settings).map(({ name, text }) => ({ source: name, text }));
  const overrides = [...settingsFromEnvironment(environment, settings), ...settingsFromFlags(sources.flags, settings)];
  const taken = takeSecrets(environment, names.keyVariables, names.externalVariables);
  const ownHome = sources.home ?? (environment["PORTCULLIS_HOME"] || join(sources.userHome, ".portcullis"));
  const home = resolve(directory, ownHome);
  const found = findFile(sources, home);
  const values = merge(found?.document.values ?? {}, overrides);
  const locate = locator(overrides, found, directory);
  const parsed = configSchema(names).safeParse(values);
  const takeReferenced = (name: string): boolean =>
    [name, variableName(name)].some((each) => {
      const secret = taken.secrets.get(each) ?? takeVariable(environment, each);
      if (secret !== undefined) taken.secrets.set(each, secret);
      return secret !== undefined;
    });
  const findings = [
    ...(parsed.error?.issues ?? []).flatMap((issue) => findingsOf(issue, values, settings)),
    ...checkRules(values, names, takeReferenced),
  ];
  const problems = [
    ...documentProblems(found, directory),
    ...findings.map((finding) => problemOf(finding, locate)),
  ].sort(byPosition);
  return {
    config: problems.length + unknown.length === 0 && parsed.success ? toConfig(parsed.data) : undefined,
    home,
    file: found?.path,
    environment: Object.freeze(taken),
    settings: effectiveSettings(settings, { given: values, parsed: parsed.data ?? values }, locate),
    problems: [...problems, ...unknown].map(({ source, text }) => `${source}: ${text}`),
  };
}

/** `portcullis.yaml:12:3`, `PORTCULLIS_SERVER_PORT`, `--port` or `default`. */
export function formatOrigin(origin: Origin): string {
  if (origin.kind === "default") return "default";
  return origin.kind === "file" ? `${origin.file}:${origin.line}:${origin.column}` : origin.name;
}

interface FoundFile {
  readonly path: string;
  readonly document: ConfigDocument;
}

interface Problem {
  readonly source: string;
  readonly text: string;
  /** For the order; what has none comes last. */
  readonly position?: Position;
}

type Locate = (path: Path, onKey: boolean) => Origin;

function findFile({ file, directory }: Sources, home: string): FoundFile | undefined {
  if (file !== undefined) {
    const path = resolve(directory, file);
    return { path, document: readDocument(path) ?? failedDocument([{ text: "there is no such file" }]) };
  }
  for (const path of [join(directory, "portcullis.yaml"), join(home, "portcullis.yaml")]) {
    const document = readDocument(path);
    if (document !== undefined) return { path, document };
  }
  return undefined;
}

function settingsFromFlags(flags: Sources["flags"], settings: readonly Setting[]): readonly Override[] {
  return settings.flatMap((setting) => {
    const text = Object.entries(flags).find(([key]) => key === setting.key)?.[1];
    if (text === undefined || setting.flag === undefined) return [];
    return [
      { setting, value: parseValue(String(text), setting), origin: { kind: "flag" as const, name: setting.flag } },
    ];
  });
}

/** The values of the file with the overrides put over them, later ones last. The file's own values are not touched. */
function merge(
  values: Readonly<Record<string, unknown>>,
  overrides: readonly Override[],
): Readonly<Record<string, unknown>> {
  let merged = values;
  for (const { setting, value } of overrides) {
    const [section = "", key = ""] = setting.path;
    const content = merged[section] ?? {};
    // A section that is no mapping is refused anyway, and must not be hidden by what is laid over it.
    if (isMapping(content)) merged = { ...merged, [section]: { ...content, [key]: value } };
  }
  return merged;
}

function locator(overrides: readonly Override[], found: FoundFile | undefined, directory: string): Locate {
  return (path, onKey) => {
    const override = overrides.findLast(({ setting }) => setting.path.every((part, index) => part === path[index]));
    if (override !== undefined) return override.origin;
    if (found === undefined) return { kind: "default" };
    return { kind: "file", file: shownPath(found.path, directory), ...found.document.locate(path, onKey) };
  };
}

function documentProblems(found: FoundFile | undefined, directory: string): readonly Problem[] {
  if (found === undefined) return [];
  const file = shownPath(found.path, directory);
  return found.document.problems.map(({ text, position }) => {
    if (position === undefined) return { source: file, text };
    return { source: formatOrigin({ kind: "file", file, ...position }), text, position };
  });
}

function problemOf({ path, text, onKey }: Finding, locate: Locate): Problem {
  const origin = locate(path, onKey ?? false);
  return { source: formatOrigin(origin), text, ...(origin.kind === "file" ? { position: origin } : {}) };
}

function byPosition(one: Problem, other: Problem): number {
  const [first, second] = [one.position, other.position];
  if (first === undefined || second === undefined) return Number(first === undefined) - Number(second === undefined);
  return first.line - second.line || first.column - second.column;
}

/** All values: as they were given, and as the schema reads them (durations in milliseconds, defaults filled in). */
interface Values {
  readonly given: Readonly<Record<string, unknown>>;
  readonly parsed: unknown;
}

function effectiveSettings(settings: readonly Setting[], values: Values, locate: Locate): readonly EffectiveSetting[] {
  const global = settings.filter(({ path }) => path.length === 2);
  return [
    ...global.map((setting) => effective(setting, setting.path, values, locate)),
    ...["providers", "routes"].flatMap((section) => declaredIn(section, settings, values, locate)),
  ];
}

/** What a section says of the things in it that have names of their own. */
function declaredIn(
  section: string,
  settings: readonly Setting[],
  values: Values,
  locate: Locate,
): readonly EffectiveSetting[] {
  const things = values.given[section];
  const ofOne = settings.filter(({ path }) => path[0] === section && path[1] === "ID" && !path.includes("[]"));
  return Object.keys(isMapping(things) ? things : {})
    .flatMap((id) => ofOne.map((setting) => effective(setting, setting.path.with(1, id), values, locate)))
    .filter(({ origin }) => origin.kind !== "default");
}

function effective(setting: Setting, path: Path, { given, parsed }: Values, locate: Locate): EffectiveSetting {
  const value = valueAt(given, path);
  const exact = new Secret(JSON.stringify(valueAt(parsed, path)) ?? "");
  if (value === undefined) return { setting, path, value: setting.default, exact, origin: { kind: "default" } };
  return { setting, path, value: display(setting, value), exact, origin: locate(path, true) };
}

/** Relative where the file lies below the working directory, else absolute. */
function shownPath(path: string, directory: string): string {
  const below = relative(directory, path);
  return below.startsWith("..") || isAbsolute(below) ? path : below;
}
