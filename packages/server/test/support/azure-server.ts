/** Microsoft's token endpoint, the metadata server of its virtual machines and Key Vault, as far as they are documented. */
import { openWebServer, type WebAnswer, type WebRequest, type WebServer } from "./web-server.ts";

export interface AzureServer extends WebServer {
  /** By `vault/name`; each version's text. */
  readonly secrets: Map<string, string[]>;
  allowed: boolean;
  readonly clientSecret: string;
  readonly federatedToken: string;
  revokeTokens(): void;
}

export const azureTenant = "11111111-2222-3333-4444-555555555555";
export const azureClient = "66666666-7777-8888-9999-000000000000";
export const azureVersion = (number: number): string => String(number).padStart(32, "0");

export async function openAzureServer(): Promise<AzureServer> {
  const own = {
    secrets: new Map<string, string[]>(),
    allowed: true,
    clientSecret: "client-secret~value",
    federatedToken: "eyJhbGciOiJSUzI1NiJ9.federated.sig",
  };
  let generation = 1;

  function answer(request: WebRequest): WebAnswer {
    const { pathname, searchParams } = request.url;
    if (pathname === `/${azureTenant}/oauth2/v2.0/token`) return signedIn(request);
    if (pathname === "/metadata/identity/oauth2/token") return metadata(request);
    if (request.headers.authorization !== `Bearer azure-token-${generation}`) return failed(401, "Unauthorized");
    if (!found.allowed) return failed(403, "Forbidden");
    const [, vault, name, version] = /^\/([\w-]+)\/secrets\/([\w-]+)(?:\/(\w+))?$/.exec(pathname) ?? [];
    if (searchParams.get("api-version") !== "7.4") return failed(400, "BadParameter");
    const versions = found.secrets.get(`${vault}/${name}`);
    const value = versions?.[version === undefined ? versions.length - 1 : Number(version) - 1];
    if (value === undefined) return failed(404, "SecretNotFound");
    return { status: 200, body: { value, id: `https://${vault}.vault.azure.net/secrets/${name}/1`, attributes: {} } };
  }

  function signedIn({ body }: WebRequest): WebAnswer {
    const form = new URLSearchParams(body);
    const federated =
      form.get("client_assertion") === own.federatedToken &&
      form.get("client_assertion_type") === "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    const good =
      form.get("grant_type") === "client_credentials" &&
      form.get("client_id") === azureClient &&
      form.get("scope") === "https://vault.azure.net/.default" &&
      (federated || form.get("client_secret") === own.clientSecret);
    const token = { token_type: "Bearer", expires_in: 3_599, access_token: `azure-token-${generation}` };
    return good ? { status: 200, body: token } : { status: 401, body: { error: "invalid_client" } };
  }

  function metadata({ url, headers }: WebRequest): WebAnswer {
    const query = url.searchParams;
    const good = headers["metadata"] === "true" && query.get("api-version") === "2018-02-01";
    if (!good || query.get("resource") !== "https://vault.azure.net") return { status: 400, body: { error: "bad" } };
    const token = { access_token: `azure-token-${generation}`, expires_in: "86399", token_type: "Bearer" };
    return { status: 200, body: token };
  }

  const found: AzureServer = Object.assign(await openWebServer(answer), own, {
    revokeTokens: () => void generation++,
  });
  return found;
}

function failed(status: number, code: string): WebAnswer {
  return { status, body: { error: { code, message: "with secret-canary in it" } } };
}
