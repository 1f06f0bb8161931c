import { Secret } from "../kernel/secret.ts";
import { nearest } from "./nearest.ts";
import type { Setting } from "./settings.ts";

/** The secrets of the environment. They are no longer in it: no child process inherits them. */
export interface TakenEnvironment {
  /** PORTCULLIS_ADMIN_TOKEN */
  readonly adminToken: Secret | undefined;
  /** PORTCULLIS_ROOT_KEY */
  readonly rootKey: Secret | undefined;
  /** PORTCULLIS_PASSPHRASE */
  readonly passphrase: Secret | undefined;
  /** The variables that say which login session this process belongs to, for the key ring of the operating system. */
  readonly session: Readonly<Record<string, string>>;
  /** CREDENTIALS_DIRECTORY: where systemd lays out what it hands to a service. */
  readonly credentialsDirectory: string | undefined;
  /** By variable: the providers' key variables that were set, and those that `env:NAME` references name. */
  readonly secrets: ReadonlyMap<string, Secret>;
  /** The variables of other vendors' tools that were set (AWS_REGION, VAULT_TOKEN, …). No reference can name one. */
  readonly external: {
    readonly texts: Readonly<Record<string, string>>;
    readonly secrets: ReadonlyMap<string, Secret>;
  };
}

export type Environment = Record<string, string | undefined>;

/** The variables that are not settings, and what they are for. */
export const ownVariables = {
  PORTCULLIS_HOME: "The home directory, where `--home` is not given. The default is ~/.portcullis.",
  PORTCULLIS_URL: "Where the CLI finds the gateway, where `--url` is not given.",
  PORTCULLIS_ADMIN_TOKEN:
    "What the CLI proves itself with. At the first start of a gateway it becomes the admin token.",
  PORTCULLIS_KEY: "The key of a caller, for commands that call the gateway as one.",
  PORTCULLIS_ROOT_KEY: "The root key of the vault, for the unlocker `environment`.",
  PORTCULLIS_PASSPHRASE: "The passphrase of the vault, for the unlocker `passphrase`.",
} as const;

/** Reads a variable and deletes it. An empty one counts as not set. */
export function takeVariable(environment: Environment, name: string): Secret | undefined {
  const value = environment[name];
  delete environment[name];
  return value === undefined || value === "" ? undefined : new Secret(value);
}

const sessionVariables = [
  "DBUS_SESSION_BUS_ADDRESS",
  "XDG_RUNTIME_DIR",
  "HOME",
  "USER",
  "LOGNAME",
  "SystemRoot",
  "USERPROFILE",
  "APPDATA",
  "LOCALAPPDATA",
] as const;

/** These hold no secrets, and stay where they are. */
function sessionOf(environment: Environment): Readonly<Record<string, string>> {
  const found = sessionVariables.map((name) => [name, environment[name]] as const);
  return Object.fromEntries(found.filter((entry): entry is [(typeof entry)[0], string] => !!entry[1]));
}

/** Takes every secret there is; one that nobody here needs (PORTCULLIS_KEY) is dropped. */
export function takeSecrets(
  environment: Environment,
  keyVariables: readonly string[],
  externalVariables: ExternalVariables = { texts: [], secrets: [] },
): TakenEnvironment & { readonly secrets: Map<string, Secret> } {
  const secrets = new Map<string, Secret>();
  for (const name of keyVariables) {
    const secret = takeVariable(environment, name);
    if (secret !== undefined) secrets.set(name, secret);
  }
  takeVariable(environment, "PORTCULLIS_KEY");
  return {
    adminToken: takeVariable(environment, "PORTCULLIS_ADMIN_TOKEN"),
    rootKey: takeVariable(environment, "PORTCULLIS_ROOT_KEY"),
    passphrase: takeVariable(environment, "PORTCULLIS_PASSPHRASE"),
    session: sessionOf(environment),
    credentialsDirectory: environment["CREDENTIALS_DIRECTORY"] || undefined,
    secrets,
    external: takeExternal(environment, externalVariables),
  };
}

/** Variables of other vendors' tools, by whether they hold secrets. */
export interface ExternalVariables {
  readonly texts: readonly string[];
  readonly secrets: readonly string[];
}

function takeExternal(environment: Environment, names: ExternalVariables): TakenEnvironment["external"] {
  const texts: Record<string, string> = {};
  for (const name of names.texts) {
    const value = environment[name];
    delete environment[name];
    if (value !== undefined && value !== "") texts[name] = value;
  }
  const secrets = new Map<string, Secret>();
  for (const name of names.secrets) {
    const secret = takeVariable(environment, name);
    if (secret !== undefined) secrets.set(name, secret);
  }
  return { texts, secrets };
}

/** A setting that a variable or a flag gives. */
export interface Override {
  readonly setting: Setting;
  readonly value: unknown;
  readonly origin: { readonly kind: "environment" | "flag"; readonly name: string };
}

export function settingsFromEnvironment(environment: Environment, settings: readonly Setting[]): readonly Override[] {
  const overrides: Override[] = [];
  for (const setting of settings) {
    const name = setting.environment;
    const text = name === undefined ? undefined : environment[name];
    if (name === undefined || text === undefined || text === "" || isServiceLink(name, text)) continue;
    overrides.push({ setting, value: parseValue(text, setting), origin: { kind: "environment", name } });
    if (setting.confidential) delete environment[name];
  }
  return overrides;
}

/** The typed form of a text, as far as it has one; what is left as it is, the schema refuses with a reason. */
export function parseValue(text: string, setting: Setting): unknown {
  if (setting.type === "integer" && /^[+-]?\d+$/.test(text)) return Number(text);
  if (setting.type === "boolean" && (text === "true" || text === "false")) return text === "true";
  if (setting.type !== "array") return text;
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

/** A misspelt variable would be a setting that silently does nothing, so it is an error. */
export function unknownVariables(
  environment: Environment,
  settings: readonly Setting[],
): readonly { readonly name: string; readonly text: string }[] {
  const known = [...Object.keys(ownVariables), ...settings.flatMap((setting) => setting.environment ?? [])];
  const unknown = Object.keys(environment).filter(
    (name) => /^PORTCULLIS_(?!TEST_)/.test(name) && !known.includes(name),
  );
  return unknown
    .filter((name) => !isServiceLink(name, environment[name] ?? ""))
    .map((name) => {
      const near = nearest(name, known);
      const [, named] = /^PORTCULLIS_(PROVIDERS|ROUTES)_/.exec(name) ?? [];
      const advice = named ? `${named.toLowerCase()} are declared in the file only` : near && `did you mean ${near}?`;
      return { name, text: `unknown variable${advice ? `; ${advice}` : ""}` };
    });
}

/**
 * Kubernetes describes every Service to the pods beside it: one named `portcullis` or `portcullis-admin` puts
 * PORTCULLIS_SERVICE_HOST, PORTCULLIS_PORT_8484_TCP_ADDR and even PORTCULLIS_ADMIN_PORT=tcp://10.0.0.1:8485 here.
 */
function isServiceLink(name: string, value: string): boolean {
  return (
    /_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name) ||
    /^(tcp|udp|sctp):\/\//.test(value)
  );
}
