import { combinePrices } from "./catalog/index.ts";
import type { Config, LoadedConfig } from "./config/index.ts";
import { dialects, type DialectId } from "./dialects/index.ts";
import { readPrivateFile } from "./home/index.ts";
import { AppError } from "./kernel/errors.ts";
import { variableName } from "./kernel/reference.ts";
import { Secret } from "./kernel/secret.ts";
import type { Declared, DeclaredProvider } from "./providers/index.ts";
import type { DeclaredRoutes } from "./routing/index.ts";

type FileProvider = Config["providers"][number];

/** The providers of the file as the registry takes them. */
export function declaredIn({ file, config }: LoadedConfig): Declared {
  return { file: file ?? "", providers: config.providers.map(toDeclared) };
}

/** The routes of the file as the routing takes them. */
export function routesIn({ file, config }: LoadedConfig): DeclaredRoutes {
  return { file: file ?? "", routes: config.routes };
}

/**
 * The keys that come with the start and not from the vault: those of the providers' usual variables, and those that the
 * file refers to (`env:NAME`, `file:/path`), under the name that `declaredIn` gives them. Other references lead to sources,
 * which are asked when a key is used: one that is away keeps no gateway from starting. Throws `config_invalid`, `file_unsafe`.
 */
export async function startKeys(
  providers: Config["providers"],
  fromEnvironment: ReadonlyMap<string, Secret>,
): Promise<ReadonlyMap<string, Secret>> {
  const keys = new Map(fromEnvironment);
  for (const { id, apiKey } of providers) {
    if (apiKey === undefined || isSource(apiKey)) continue;
    const name = variableOf(apiKey);
    const value = apiKey.startsWith("file:")
      ? await readKeyFile(apiKey.slice(5))
      : (fromEnvironment.get(name) ?? fromEnvironment.get(variableName(name)));
    if (value === undefined) {
      const problem = `the key of the provider ${id} is to come from ${apiKey}, where there is none`;
      throw new AppError("config_invalid", { problem, advice: "set it, or remove `api_key` from the file" });
    }
    keys.set(name, value);
  }
  return keys;
}

/** The schema has checked the dialects against the list. */
function toDeclared({ apiKey, models, ...provider }: FileProvider): DeclaredProvider {
  return {
    ...provider,
    dialects: provider.dialects?.filter((id): id is DialectId => dialects.some((dialect) => dialect.id === id)),
    keyName: apiKey === undefined ? undefined : variableOf(apiKey),
    models: models.map(({ name, displayName, tokenPrice, unitPrice, ...model }) => ({
      ...model,
      model: name,
      name: displayName,
      price: combinePrices(tokenPrice, unitPrice),
    })),
  };
}

/** The references of the file that sources are asked for. */
export function sourcesIn(providers: Config["providers"]): readonly string[] {
  return providers.flatMap(({ apiKey }) => (apiKey !== undefined && isSource(apiKey) ? [apiKey] : []));
}

function isSource(reference: string): boolean {
  return !reference.startsWith("env:") && !reference.startsWith("file:");
}

/** What a key is found under: the variable's name, or the reference itself. */
function variableOf(reference: string): string {
  return reference.startsWith("env:") ? reference.slice("env:".length) : reference;
}

async function readKeyFile(path: string): Promise<Secret | undefined> {
  const bytes = await readPrivateFile(path);
  return bytes === undefined ? undefined : new Secret(bytes.toString("utf8").trim());
}
