import { loadConfig, type ConfigNames, type LoadedConfig } from "./config/index.ts";
import { dialects } from "./dialects/index.ts";
import { externalVariables } from "./external/index.ts";
import { predefinedProviders } from "./providers/index.ts";

/** What a configuration file may name: `config` itself knows neither dialects nor providers. */
export const configNames: ConfigNames = {
  dialects: dialects.map((dialect) => dialect.id),
  providers: predefinedProviders.map((provider) => provider.id),
  externalVariables,
  keyVariables: [...new Set(predefinedProviders.flatMap((provider) => provider.env))],
};

interface Flags {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly logLevel?: string | undefined;
}

/** The configuration in force for a command, secrets taken out of the environment. Throws `config_invalid`. */
export function load(
  place: { readonly home: string | undefined; readonly config: string | undefined },
  flags: Flags = {},
): LoadedConfig {
  return loadConfig({
    names: configNames,
    home: place.home,
    file: place.config,
    flags: {
      "server.host": flags.host,
      "server.port": flags.port === undefined ? undefined : String(flags.port),
      "log.level": flags.logLevel,
    },
  });
}
