import { Document } from "yaml";
import { AppError } from "../kernel/errors.ts";
import { quoted } from "./issues.ts";
import { surveyWith, type LoadedConfig, type LoadOptions } from "./load.ts";
import { nearest } from "./nearest.ts";
import { formatPath, keyNear, listSettings, settingsWithin, type Path, type Setting } from "./settings.ts";
import { formatOrigin, type EffectiveSetting } from "./survey.ts";

/** All about one setting, as text to show; what is confidential is masked. */
export interface Explanation {
  readonly key: string;
  readonly description: string;
  /** What its value must be: `a whole number from 0 to 65535`. */
  readonly expects: string;
  readonly default: string | undefined;
  /** The value in force; `undefined` if it has none. */
  readonly value: string | undefined;
  /** `portcullis.yaml:12:3`, `PORTCULLIS_SERVER_PORT`, `--port` or `default`. */
  readonly origin: string;
  readonly environment: string | undefined;
  readonly flag: string | undefined;
  /** Whether it is read at the start only, and not when a running gateway reads its file again. */
  readonly restart: boolean;
  /** How the file would say it. */
  readonly example: string | undefined;
}

/**
 * Explains a setting (`server.port`, `providers.groq.base_url`), every setting of a section (`server`), or all (empty).
 * Works on an invalid configuration too, since that is when one asks.
 * @throws AppError `config_invalid` if there is no such setting
 */
export function explainKey(key: string, options: LoadOptions): readonly Explanation[] {
  const effective = surveyWith(options).settings;
  const exact = effective.find((each) => formatPath(each.path) === key);
  const path = exact?.path ?? parseKey(key);
  const all = listSettings(options.names);
  const wanted = exact === undefined ? settingsWithin(all, path) : [exact.setting];
  if (wanted.length === 0) throw unknownSetting(key, path, all);
  return wanted.map((setting) => {
    const name = keyNear(setting, path);
    const found = effective.find((each) => formatPath(each.path) === name);
    return explain(setting, name, found);
  });
}

function explain(setting: Setting, key: string, effective: EffectiveSetting | undefined): Explanation {
  const { path, description, expects, environment, flag, restart, example } = setting;
  return {
    key,
    description,
    expects,
    default: formatValue(setting.default),
    value: formatValue(effective?.value ?? setting.default),
    origin: formatOrigin(effective?.origin ?? { kind: "default" }),
    environment,
    flag,
    restart,
    example: example === undefined ? undefined : toYaml([[[path.at(-1) ?? ""], example, ""]]).trim(),
  };
}

/** The configuration in force as YAML, each value with a comment that says where it comes from. */
export function printConfig({ settings }: LoadedConfig): string {
  const set = settings.filter((each) => each.value !== undefined);
  return toYaml(set.map(({ path, value, origin }) => [path, value, formatOrigin(origin)]));
}

/** Lines of YAML: lists and mappings that are values stand on one line, each with its comment. */
function toYaml(lines: readonly (readonly [path: Path, value: unknown, comment: string])[]): string {
  const document = new Document({});
  for (const [path, value, comment] of lines) {
    const node = document.createNode(value, { flow: true });
    if (comment !== "") node.comment = ` ${comment}`;
    document.setIn(path, node);
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function formatValue(value: unknown): string | undefined {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function parseKey(key: string): Path {
  return (key.match(/[^.[\]]+|\[\d*\]/g) ?? []).map((part) =>
    part.startsWith("[") ? Number(part.slice(1, -1)) : part,
  );
}

function unknownSetting(key: string, path: Path, settings: readonly Setting[]): AppError {
  const near = nearest(
    key,
    settings.map((setting) => keyNear(setting, path)),
  );
  return new AppError("config_invalid", {
    problem: `there is no setting ${quoted(key)}${near === undefined ? "" : `; did you mean "${near}"?`}`,
    advice: "`portcullis config print` shows all that are in force",
  });
}
