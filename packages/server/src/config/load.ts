import { homedir } from "node:os";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import type { Config } from "./config.ts";
import { ownVariables, type Environment, type TakenEnvironment } from "./environment.ts";
import { survey, type ConfigNames, type EffectiveSetting, type Sources, type Survey } from "./survey.ts";

// What the process has around it (environment, working directory, home) enters here and nowhere else.

export interface LoadOptions {
  readonly names: ConfigNames;
  /** Values of command-line flags, by the setting each stands for. */
  readonly flags?: Sources["flags"];
  /** `--config`; without it portcullis.yaml is looked for in the working directory, then in the home directory. */
  readonly file?: string | undefined;
  /** `--home` */
  readonly home?: string | undefined;
  readonly environment?: Environment;
  readonly directory?: string;
  readonly userHome?: string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The home directory, absolute. It may not exist yet. */
  readonly home: string;
  /** The file that was read, absolute; `undefined` if there is none. */
  readonly file: string | undefined;
  readonly environment: TakenEnvironment;
  /** The user's home directory, in which other programs keep their settings. */
  readonly userHome: string;
  /**
   * Takes a variable that a reference names out of the environment. `undefined` if it is not set, or is one of the
   * gateway's own or of another vendor's tools, which prove the gateway itself and go nowhere else.
   */
  variable(name: string): Secret | undefined;
  /** Every setting of the product and of each declared provider and route, with its value and where that comes from. */
  readonly settings: readonly EffectiveSetting[];
  /**
   * Reads everything again as it was read: the same flags and home, the same file as it is now, and the environment, of
   * which what was taken before still counts. Throws like `loadConfig`.
   */
  reload(): LoadedConfig;
}

/**
 * The configuration in force: flag over environment over file over default. Takes the secrets out of the environment.
 * @throws AppError `config_invalid` that names every problem there is
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  return loadWith(options, {});
}

/** `kept` is what earlier loads took out of the environment, refused ones too; what this one takes is added. */
function loadWith(options: LoadOptions, kept: Environment): LoadedConfig {
  const outside = options.environment ?? processEnvironment();
  const before = { ...outside, ...kept };
  const environment = { ...before };
  const { config, problems, ...rest } = surveyWith({ ...options, environment });
  for (const [name, value] of Object.entries(before)) {
    if (environment[name] !== undefined) continue;
    delete outside[name];
    if (!(name in ownVariables)) kept[name] = value;
  }
  if (config === undefined) throw invalid(problems);
  const variable = (name: string): Secret | undefined => {
    if (isReserved(name, options.names)) return undefined;
    kept[name] ??= outside[name];
    delete outside[name];
    return kept[name] === undefined || kept[name] === "" ? undefined : new Secret(kept[name]);
  };
  const userHome = options.userHome ?? homedir();
  return {
    ...rest,
    config,
    userHome,
    variable,
    reload: () => loadWith({ ...options, file: rest.file ?? options.file }, kept),
  };
}

/** Whether a variable proves the gateway itself to someone: no reference can name it. */
function isReserved(name: string, { externalVariables }: ConfigNames): boolean {
  const { texts = [], secrets = [] } = externalVariables ?? {};
  return name.startsWith("PORTCULLIS_") || texts.includes(name) || secrets.includes(name);
}

/** Looks for problems without throwing: `file` is the one that was read, `problems` has a line for each. */
export function checkConfig(options: LoadOptions): Pick<Survey, "file" | "problems"> {
  const { file, problems } = surveyWith(options);
  return { file, problems };
}

export function surveyWith(options: LoadOptions): Survey {
  return survey({
    names: options.names,
    flags: options.flags ?? {},
    file: options.file,
    home: options.home,
    environment: options.environment ?? processEnvironment(),
    directory: options.directory ?? process.cwd(),
    userHome: options.userHome ?? homedir(),
  });
}

/** All of the environment, for the command line, which passes it on to the agents it runs. */
export function takeEnvironmentCopy(): Readonly<Environment> {
  return { ...processEnvironment() };
}

function processEnvironment(): Environment {
  // oxlint-disable-next-line node/no-process-env -- the one place that reads it
  return process.env;
}

const shownProblems = 50;

function invalid(problems: readonly string[]): AppError {
  const more = problems.length > shownProblems ? [`and ${problems.length - shownProblems} more`] : [];
  const lines = [...problems.slice(0, shownProblems), ...more];
  const problem =
    lines.length === 1
      ? (lines[0] ?? "")
      : `the configuration has ${problems.length} problems:\n${lines.map((line) => `  ${line}`).join("\n")}`;
  return new AppError("config_invalid", {
    problem,
    advice: "look a setting up with `portcullis config explain KEY`, and check again with `portcullis config check`",
  });
}
