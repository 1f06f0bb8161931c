import { statSync } from "node:fs";
import { join } from "node:path";
import type { LoadedConfig } from "./config/index.ts";
import type { Clock } from "./kernel/clock.ts";
import { openAwsClient, openHashicorpClient } from "./sources/index.ts";
import { createKeyRing, type VaultOptions } from "./vault/index.ts";

/** The name under which systemd is to hand the key file to the service. */
const credentialName = "portcullis-root-key";

/** What may open the vault here, as configuration and environment say. Connects to nothing. */
export function vaultOptions({ config, environment, userHome }: LoadedConfig, clock: Clock): VaultOptions {
  const outside = { settings: config.sources, environment: environment.external, userHome, clock };
  const { unlocker, keyFile, cacheMs, transit, awsKms } = config.vault;
  return {
    unlocker,
    keyFile,
    cacheMs,
    keyFileChosen: keyFile !== undefined,
    credentialFile: keyFile === undefined ? credentialIn(environment.credentialsDirectory) : undefined,
    environmentKey: environment.rootKey,
    passphrase: environment.passphrase,
    keyRing: createKeyRing({ platform: process.platform, session: environment.session }),
    transit: transit === undefined ? undefined : transitKey(transit, outside),
    awsKms: awsKms === undefined ? undefined : { keyId: awsKms, client: openAwsClient(outside, regionIn(awsKms)) },
  };
}

function transitKey(path: string, outside: Parameters<typeof openHashicorpClient>[0]): VaultOptions["transit"] {
  const slash = path.lastIndexOf("/");
  return { mount: path.slice(0, slash), key: path.slice(slash + 1), client: openHashicorpClient(outside) };
}

/** An ARN says which region its key is in. */
function regionIn(keyId: string): string | undefined {
  return /^arn:[a-z-]+:kms:([a-z0-9-]+):/.exec(keyId)?.[1];
}

/** Only whether it is there: what may be read from it is decided by whoever reads it. */
export function credentialIn(directory: string | undefined): string | undefined {
  if (directory === undefined) return undefined;
  const path = join(directory, credentialName);
  return statSync(path, { throwIfNoEntry: false }) === undefined ? undefined : path;
}
