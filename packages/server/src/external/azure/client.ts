import type { Clock } from "../../kernel/clock.ts";
import { createBearerClient } from "../bearer-client.ts";
import type { ExternalEnvironment } from "../environment.ts";
import { createHttpCaller, type HttpLimits } from "../http.ts";
import { createAzureTokens } from "./tokens.ts";

export interface AzureOptions extends HttpLimits {
  /** What the names of vaults end in: `vault.azure.net` without it, others in national clouds. */
  readonly vaultSuffix?: string | undefined;
  /** Replaces `https://{vault}.{suffix}`; the vault's name is then the first segment of the path. */
  readonly endpoint?: string | undefined;
  /** Replaces the metadata server of virtual machines, `http://169.254.169.254`. */
  readonly metadata?: string | undefined;
  /** The AZURE_* variables. */
  readonly environment: ExternalEnvironment;
  readonly clock: Clock;
}

export interface AzureClient {
  /** Gets a path of a key vault, without the version of the API. Throws the errors of a call, and `external_unconfigured`. */
  get(vault: string, path: string): Promise<unknown>;
}

export function createAzureClient(options: AzureOptions): AzureClient {
  const suffix = options.vaultSuffix ?? "vault.azure.net";
  const http = createHttpCaller(options);
  const client = createBearerClient(http, createAzureTokens(http, `https://${suffix}`, options), options.clock);
  const place = (vault: string): string =>
    options.endpoint === undefined ? `https://${vault}.${suffix}` : `${options.endpoint.replace(/\/+$/, "")}/${vault}`;
  return {
    get: (vault, path) => client.get(`${place(vault)}/${path}?api-version=7.4`, `\`${vault}/${path}\``),
  };
}
