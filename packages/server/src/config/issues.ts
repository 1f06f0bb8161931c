import type * as z from "zod";
import { nearest } from "./nearest.ts";
import { childrenAt, formatPath, keyNear, settingAt, type Path, type Setting } from "./settings.ts";

// Turns what the schema found into sentences a person can act on. A value is repeated only where the
// setting is known and not confidential: what stands in a wrong place may well be a key.

/** What is wrong with one place of the configuration. */
export interface Finding {
  readonly path: Path;
  /** A whole sentence that names the setting. */
  readonly text: string;
  /** True if it is the key that is wrong, not the value behind it. */
  readonly onKey?: boolean;
}

export function findingsOf(issue: z.core.$ZodIssue, values: unknown, settings: readonly Setting[]): readonly Finding[] {
  const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
  if (issue.code === "unrecognized_keys") {
    return issue.keys.flatMap((key) => unknownKey([...path, key], values, settings));
  }
  if (issue.code === "invalid_key") {
    return [{ path, onKey: true, text: about(path, issue.issues[0]?.message ?? "is not a valid name") }];
  }
  const setting = settingAt(settings, path);
  const value = valueAt(values, path);
  const wanted = setting?.expects ?? "a mapping of settings, one `key: value` on a line";
  if (value === undefined) return [{ path, text: about(path, `is needed: ${wanted}`) }];
  if (issue.code === "custom") return [{ path, text: about(path, issue.message + got(value, setting)) }];
  if (setting === undefined || setting.path.length === path.length) {
    return [{ path, text: about(path, `must be ${wanted}${got(value, setting)}`) }];
  }
  // A part of a list or mapping that has no description of its own: say what the whole must be.
  return [{ path, text: about(path.slice(0, setting.path.length), `must be ${wanted}`) }];
}

/** An unknown section that resembles a known one is looked into, so that its keys are judged at once. */
function unknownKey(path: Path, values: unknown, settings: readonly Setting[]): readonly Finding[] {
  const suggestion = suggest(path, settings);
  const known = childrenAt(settings, path.slice(0, -1));
  const alternatives = known.length === 0 ? "" : `; known here: ${known.join(", ")}`;
  const advice = suggestion === undefined ? alternatives : `; did you mean "${suggestion}"?`;
  const finding: Finding = { path, onKey: true, text: `unknown key ${quoted(formatPath(path))}${advice}` };
  const content = valueAt(values, path);
  if (path.length > 1 || suggestion === undefined || !isMapping(content)) return [finding];
  const meant = childrenAt(settings, [suggestion]);
  const strangers = meant.includes("ID") ? [] : Object.keys(content).filter((key) => !meant.includes(key));
  return [finding, ...strangers.flatMap((key) => unknownKey([...path, key], values, settings))];
}

/** The nearest of what may stand in this place, else a setting of that very name elsewhere; in an unknown section, the nearest of all. */
function suggest(path: Path, settings: readonly Setting[]): string | undefined {
  const key = String(path.at(-1));
  const parent = path.slice(0, -1);
  const neighbour = nearest(key, childrenAt(settings, parent));
  if (neighbour !== undefined) return formatPath([...parent, neighbour]);
  const known = settings.map((setting) => keyNear(setting, path));
  const namesake = known.find((each) => each.endsWith(`.${key}`));
  const isStray = childrenAt(settings, parent).length === 0;
  return namesake ?? (isStray ? nearest(formatPath(path), known) : undefined);
}

/** `"server.port" must be …` */
export function about(path: Path, text: string): string {
  return `${quoted(formatPath(path))} ${text}`;
}

function got(value: unknown, setting: Setting | undefined): string {
  if (setting === undefined || setting.confidential || (typeof value === "object" && value !== null)) return "";
  if (String(value).includes("@")) return ""; // an address may hold a password
  return ` (got ${value === null ? "nothing" : quoted(value)})`;
}

/** JSON, cut to 60 characters, with control and direction characters escaped, so that a message shows what is there. */
export function quoted(value: unknown): string {
  const text = typeof value === "string" && value.length > 60 ? `${value.slice(0, 60)}…` : value;
  return (JSON.stringify(text) ?? String(text)).replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function valueAt(values: unknown, path: Path): unknown {
  let value = values;
  for (const part of path) {
    if (Array.isArray(value) && typeof part === "number") value = value[part];
    else if (isMapping(value) && Object.hasOwn(value, part)) value = value[part];
    else return undefined;
  }
  return value;
}
