import { globSync, readFileSync } from "node:fs";
import { arch, platform } from "node:os";
import { join } from "node:path";
import manifest from "./package.json" with { type: "json" };

export type ClientName = "claude" | "codex" | "gemini" | "opencode";

interface Client {
  readonly title: string;
  readonly packageName: keyof typeof manifest.devDependencies;
  /** Where its program lies in `node_modules`: in the one package for this platform that npm chooses. */
  readonly program: string;
}

const clients: Readonly<Record<ClientName, Client>> = {
  claude: {
    title: "Claude Code",
    packageName: "@anthropic-ai/claude-code",
    program: "@anthropic-ai/claude-code-*/claude",
  },
  codex: { title: "Codex", packageName: "@openai/codex", program: "@openai/codex-*/vendor/*/bin/codex" },
  gemini: {
    title: "Gemini CLI",
    packageName: "@google/gemini-cli",
    program: "@google/gemini-cli/bundle/gemini.js",
  },
  opencode: { title: "opencode", packageName: "opencode-ai", program: "opencode-*/bin/opencode" },
};

export const clientNames = Object.keys(clients) as readonly ClientName[];

const modules = join(import.meta.dirname, "node_modules");

/** `Claude Code 2.1.325` */
export function titleOf(name: ClientName): string {
  const { title, packageName } = clients[name];
  return `${title} ${manifest.devDependencies[packageName]}`;
}

/** The client's own program, without the launcher that npm links: that one needs the package's install script. */
export function programOf(name: ClientName): string | undefined {
  const { packageName, program } = clients[name];
  if (installedVersion(packageName) !== manifest.devDependencies[packageName]) return undefined;
  return globSync(program, { cwd: modules })
    .toSorted() // of opencode's builds, the one for newer processors comes first
    .map((path) => join(modules, path))[0];
}

/** Why the client cannot be run here, or `undefined` if it can. */
export function obstacle(name: ClientName): string | undefined {
  if (platform() === "win32") return "the clients are run in a POSIX shell's surroundings";
  if (programOf(name) !== undefined) return undefined;
  return `there is no ${titleOf(name)} for ${platform()}-${arch()} in clients/node_modules; run \`npm install --no-save --ignore-scripts --prefix clients\``;
}

function installedVersion(packageName: string): string | undefined {
  try {
    const { version } = JSON.parse(readFileSync(join(modules, packageName, "package.json"), "utf8")) as {
      version?: string;
    };
    return version;
  } catch {
    return undefined;
  }
}
