import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { clientNames, programOf } from "./installation.ts";

/** Surroundings for a client that hold nothing else: nothing of the user's own home, settings or environment gets in. */
export interface Place {
  /** The user's home. */
  readonly home: string;
  /** Where the client works: a fresh git repository. */
  readonly directory: string;
  /** For what programs leave in TMPDIR. */
  readonly scratch: string;
  /** The clients, git and a shell. */
  readonly path: string;
}

/** How a run ended. `exitCode` is `null` if it took too long. */
export interface Turn {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a client is pointed at. */
export interface Address {
  readonly url: string;
  readonly key: string;
}

type Environment = Readonly<Record<string, string>>;

const removable: string[] = [];
process.on("exit", () => {
  for (const path of removable) rmSync(path, { recursive: true, force: true });
});

export function createPlace(): Place {
  const root = mkdtempSync(join(tmpdir(), "portcullis-client-"));
  removable.push(root);
  const programs = join(root, "bin");
  mkdirSync(programs);
  for (const name of clientNames) {
    const program = programOf(name);
    if (program !== undefined) symlinkSync(program, join(programs, name));
  }
  const place = {
    home: join(root, "home"),
    directory: join(root, "work"),
    scratch: join(root, "tmp"),
    path: [programs, dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(":"),
  };
  tidy(place);
  return place;
}

/** Makes a used place as it was at first, at the same path. */
export function tidy({ home, directory, scratch }: Place): void {
  for (const path of [home, directory, scratch]) {
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path);
  }
  execFileSync("git", ["init", "--quiet", directory]);
}

/** Claude Code, pointed at `url` and with the key in one of its two variables. */
export function runClaude(
  place: Place,
  { url, key }: Address,
  args: readonly string[],
  more: Environment = {},
  variable = "ANTHROPIC_AUTH_TOKEN",
): Promise<Turn> {
  return runIn(place, "claude", args, { ANTHROPIC_BASE_URL: url, [variable]: key, ...more });
}

/** Codex, pointed at `url` by the settings file in its user's home. It prints its events, one JSON object a line. */
export function runCodex(place: Place, { url, key }: Address, args: readonly string[]): Promise<Turn> {
  const directory = join(place.home, ".codex");
  const settings = { name: "Gateway", base_url: `${url}/v1`, env_key: "GATEWAY_KEY", wire_api: "responses" };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`);
  mkdirSync(directory);
  writeFileSync(
    join(directory, "config.toml"),
    `model_provider = "gateway"\n[model_providers.gateway]\n${lines.join("")}`,
  );
  return runIn(place, "codex", ["exec", ...codexOptions, "--json", ...args], { GATEWAY_KEY: key });
}

/** Gemini CLI, pointed at `url` by a variable; a settings file in its user's home lets it take a key. */
export function runGemini(place: Place, { url, key }: Address, args: readonly string[]): Promise<Turn> {
  writeGeminiSettings(place);
  return runIn(place, "gemini", args, { GOOGLE_GEMINI_BASE_URL: url, GEMINI_API_KEY: key });
}

/** What a user of Gemini CLI has chosen once, and what would let something out of this machine switched off. */
export function writeGeminiSettings(place: Place): void {
  const directory = join(place.home, ".gemini");
  mkdirSync(directory, { recursive: true });
  const settings = {
    security: { auth: { selectedType: "gemini-api-key" } },
    privacy: { usageStatisticsEnabled: false },
    telemetry: { enabled: false },
    general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
  };
  writeFileSync(join(directory, "settings.json"), JSON.stringify(settings));
}

/** How opencode speaks one dialect: the package it does so with, and what stands behind the gateway's address. */
export interface OpencodeDialect {
  readonly npm: string;
  readonly path: "/v1" | "/v1beta";
}

/**
 * opencode, pointed at `url` by the settings file in its user's home, as a provider of one model. It prints its events, one
 * JSON object a line.
 */
export function runOpencode(
  place: Place,
  { url, key }: Address,
  { npm, path }: OpencodeDialect,
  model: string,
  prompt: string,
): Promise<Turn> {
  const directory = join(place.home, ".config/opencode");
  const options = { baseURL: url + path, apiKey: "{env:GATEWAY_KEY}" };
  const provider = { gateway: { npm, name: "Gateway", options, models: { [model]: { name: model } } } };
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "opencode.json"), JSON.stringify({ autoupdate: false, share: "disabled", provider }));
  // With a title of its own, none is asked for from the model.
  const args = ["run", "--format", "json", "--title", "a test", "--model", `gateway/${model}`, prompt];
  return runIn(place, "opencode", args, { GATEWAY_KEY: key });
}

/** Nobody is there to be asked, and the place is its own sandbox. */
export const codexOptions = ["--dangerously-bypass-approvals-and-sandbox"];

/** Lets nothing out of this machine: updates, telemetry, lists of plug-ins. */
const confined: Environment = {
  CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  GEMINI_CLI_TRUST_WORKSPACE: "true",
  OPENCODE_DISABLE_AUTOUPDATE: "1",
  OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
  OPENCODE_DISABLE_MODELS_FETCH: "1",
  HTTPS_PROXY: "http://127.0.0.1:9",
  NO_PROXY: "127.0.0.1",
};

const limitMs = 60_000;

/** Runs a program without input, for a minute at most; what it has started ends with it. */
export function runIn(place: Place, program: string, args: readonly string[], environment: Environment): Promise<Turn> {
  const child = spawn(program, args, {
    cwd: place.directory,
    env: { HOME: place.home, PATH: place.path, TMPDIR: place.scratch, LANG: "C.UTF-8", ...confined, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // a process group of its own, so that all of it can be ended
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  const limit = setTimeout(() => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
    child.stdout.destroy(); // else whoever left the group and still holds it would be waited for
    child.stderr.destroy();
  }, limitMs);
  return new Promise<Turn>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) => resolve({ exitCode, ...output }));
  }).finally(() => clearTimeout(limit));
}

/** Everything a turn has said, for a failed assertion. */
export function told({ exitCode, stdout, stderr }: Turn): string {
  return `it ended with ${exitCode ?? "a signal"}\n--- standard output\n${stdout}\n--- standard error\n${stderr}`;
}
