import { combinePrices } from "./catalog/index.ts";
import type { Config, LoadedConfig } from "./config/index.ts";
import { dialects, type DialectId } from "./dialects/index.ts";
import { readPrivateFile } from "./home/index.ts";
import { AppError } from "./kernel/errors.ts";
import { Secret } from "./kernel/secret.ts";
import type { Declared, DeclaredProvider } from "./providers/index.ts";

type FileProvider = Config["providers"][number];

/** The providers of the file as the registry takes them. */
export function declaredIn({ file, config }: LoadedConfig): Declared {
  return { file: file ?? "", providers: config.providers.map(toDeclared) };
}

/**
 * The keys that come with the start and not from the vault: those of the providers' usual variables, and those that the
 * file refers to (`env:NAME`, `file:/path`), under the reference's own text. Throws `config_invalid`, `file_unsafe`.
 */
export async function startKeys(
  providers: Config["providers"],
  fromEnvironment: ReadonlyMap<string, Secret>,
): Promise<ReadonlyMap<string, Secret>> {
  const keys = new Map(fromEnvironment);
  for (const { id, apiKey } of providers) {
    if (apiKey === undefined) continue;
    const value = apiKey.startsWith("file:")
      ? await readKeyFile(apiKey.slice(5))
      : fromEnvironment.get(variableOf(apiKey));
    if (value === undefined) {
      const problem = `the key of the provider ${id} is to come from ${apiKey}, where there is none`;
      throw new AppError("config_invalid", { problem, advice: "set it, or remove `api_key` from the file" });
    }
    keys.set(variableOf(apiKey), value);
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

/** What a key is found under: the variable's name, or `file:/path`. */
function variableOf(reference: string): string {
  return reference.startsWith("env:") ? reference.slice("env:".length) : reference;
}

async function readKeyFile(path: string): Promise<Secret | undefined> {
  const bytes = await readPrivateFile(path);
  return bytes === undefined ? undefined : new Secret(bytes.toString("utf8").trim());
}
