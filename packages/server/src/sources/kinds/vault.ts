import { at, createHashicorpClient, textAt, type HashicorpAuth, type HashicorpClient } from "../../external/index.ts";
import { AppError } from "../../kernel/errors.ts";
import { secretOf, SourceProblem, type Reader, type ReaderParts } from "../reader.ts";

/** `vault:mount/path#field@version`: the key-value store, version 2, of HashiCorp Vault or OpenBao. */
export function vaultReader(parts: ReaderParts): Reader {
  let client: HashicorpClient | undefined;
  return async ({ place, field = "", version }) => {
    client ??= openHashicorpClient(parts);
    const query = version === undefined ? "" : `?version=${version}`;
    const reply = await client.call("GET", apiPath(place) + query);
    const data = at(reply, "data", "data");
    if (data === undefined) throw new SourceProblem("this is no secret of a key-value store of version 2", false);
    return secretOf(data === null ? undefined : textAt(data, field), field);
  };
}

/** The first segment is the mount, unless `data` stands in the path as it does in the API: then all before it is. */
function apiPath(place: string): string {
  if (/^[^/]+(\/[^/]+)*?\/data\//.test(place)) return place;
  const [mount = "", ...path] = place.split("/");
  return `${mount}/data/${path.join("/")}`;
}

type ClientParts = Pick<ReaderParts, "settings" | "environment" | "clock">;

/** A client of the vault that `sources.vault` says; it connects when it is called. Throws `external_unconfigured`. */
export function openHashicorpClient(parts: ClientParts): HashicorpClient {
  const { settings, environment, clock } = parts;
  const { texts } = environment;
  const address = settings.vault.address ?? texts["VAULT_ADDR"];
  if (address === undefined || !/^https?:\/\/[^\s/?#@]+\/*$/.test(address)) {
    const problem =
      address === undefined ? "the address of the vault is not set" : "the address of the vault is no web address";
    throw unconfigured(
      problem,
      "set `sources.vault_address` in portcullis.yaml, or VAULT_ADDR, to such as https://vault.lan:8200",
    );
  }
  return createHashicorpClient({
    address,
    namespace: settings.vault.namespace ?? texts["VAULT_NAMESPACE"],
    caFile: settings.vault.caFile ?? texts["VAULT_CACERT"],
    auth: authOf(parts),
    timeoutMs: settings.timeoutMs,
    clock,
  });
}

function authOf({ settings: { vault }, environment: { secrets } }: ClientParts): HashicorpAuth {
  const { auth: method, mount, role, roleId, secretIdFile, tokenFile, jwtFile } = vault;
  if (method === "kubernetes") {
    if (role === undefined) throw unconfigured("the role for the vault is not set", "set `sources.vault_role`");
    return { method, role, mount, jwt: jwtFile === undefined ? undefined : { file: jwtFile } };
  }
  if (method === "approle") {
    const secretId = secretIdFile === undefined ? secrets.get("VAULT_SECRET_ID") : { file: secretIdFile };
    if (roleId !== undefined && secretId !== undefined) return { method, roleId, secretId, mount };
    throw unconfigured(
      "the role id or the secret id for the vault is not set",
      "set `sources.vault_role_id`, and `sources.vault_secret_id_file` or VAULT_SECRET_ID",
    );
  }
  const token = tokenFile === undefined ? secrets.get("VAULT_TOKEN") : { file: tokenFile };
  if (token !== undefined) return { method, token };
  throw unconfigured("the token for the vault is not set", "set `sources.vault_token_file`, or VAULT_TOKEN");
}

function unconfigured(problem: string, advice: string): AppError {
  return new AppError("external_unconfigured", { problem, advice });
}
