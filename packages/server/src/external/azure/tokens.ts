import { AppError } from "../../kernel/errors.ts";
import type { Secret } from "../../kernel/secret.ts";
import { accessTokenIn, type AccessToken } from "../bearer-client.ts";
import { formBytes, type HeaderValues } from "../encoding.ts";
import { readHeldSecret } from "../held-file.ts";
import type { HttpCaller } from "../http.ts";
import type { AzureOptions } from "./client.ts";

/**
 * Tokens for one resource, by what the environment holds: a federated token (workload identity), a client's secret, or else
 * the identity of the machine.
 */
export function createAzureTokens(
  http: HttpCaller,
  resource: string,
  { environment: { texts, secrets }, metadata }: AzureOptions,
): () => Promise<AccessToken> {
  const { AZURE_FEDERATED_TOKEN_FILE: tokenFile, AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: clientId } = texts;
  const clientSecret = secrets.get("AZURE_CLIENT_SECRET");
  const authority = (texts["AZURE_AUTHORITY_HOST"] ?? "https://login.microsoftonline.com").replace(/\/+$/, "");

  async function fromDirectory(proof: HeaderValues): Promise<AccessToken> {
    if (tenant === undefined || clientId === undefined) throw incomplete();
    const what = "the token of the client";
    const body = formBytes({
      grant_type: "client_credentials",
      client_id: clientId,
      scope: `${resource}/.default`,
      ...proof,
    });
    const url = `${authority}/${encodeURIComponent(tenant)}/oauth2/v2.0/token`;
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return accessTokenIn(await http({ url, method: "POST", headers, body, what }), new URL(url).host, what);
  }

  async function fromMachine(): Promise<AccessToken> {
    const what = "the token of the machine's identity";
    const query = new URLSearchParams({ "api-version": "2018-02-01", resource });
    if (clientId !== undefined) query.set("client_id", clientId);
    const url = `${metadata ?? "http://169.254.169.254"}/metadata/identity/oauth2/token?${query.toString()}`;
    const reply = await http({ url, method: "GET", headers: { metadata: "true" }, what });
    return accessTokenIn(reply, new URL(url).host, what);
  }

  return async () => {
    if (tokenFile !== undefined) return fromDirectory(federated(await readHeldSecret(tokenFile)));
    return clientSecret === undefined ? fromMachine() : fromDirectory({ client_secret: clientSecret });
  };
}

function federated(token: Secret): HeaderValues {
  return {
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: token,
  };
}

function incomplete(): AppError {
  return new AppError("external_unconfigured", {
    problem: "AZURE_TENANT_ID or AZURE_CLIENT_ID is missing",
    advice: "set both beside AZURE_FEDERATED_TOKEN_FILE or AZURE_CLIENT_SECRET",
  });
}
