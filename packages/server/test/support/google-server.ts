/** Google's token endpoint (RFC 7523), metadata server and Secret Manager, as far as they are documented. */
import { generateKeyPairSync, verify } from "node:crypto";
import { openWebServer, type WebAnswer, type WebRequest, type WebServer } from "./web-server.ts";

export interface GoogleServer extends WebServer {
  /** The text of the key file of a service account that this server knows. */
  readonly keyFile: string;
  /** By `projects/P/secrets/S`; each version's text, `undefined` for one that was destroyed. */
  readonly secrets: Map<string, (string | undefined)[]>;
  allowed: boolean;
  /** Tokens that were handed out before are not good any more. */
  revokeTokens(): void;
}

export const googleProject = "my-project";

export async function openGoogleServer(): Promise<GoogleServer> {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const secrets = new Map<string, (string | undefined)[]>();
  let generation = 1;
  const token = () => ({ access_token: `ya29.token-${generation}`, expires_in: 3_599, token_type: "Bearer" });

  function answer(request: WebRequest): WebAnswer {
    const { pathname } = request.url;
    if (pathname === "/token") return signedIn(request);
    if (pathname.startsWith("/computeMetadata/")) return metadata(request);
    if (request.headers.authorization !== `Bearer ya29.token-${generation}`) return failed(401, "UNAUTHENTICATED");
    if (!found.allowed) return failed(403, "PERMISSION_DENIED");
    const [, name = "", version = ""] = /^\/v1\/(.+)\/versions\/(\w+):access$/.exec(pathname) ?? [];
    const versions = secrets.get(name);
    const number = version === "latest" ? (versions?.length ?? 0) : Number(version);
    const text = versions?.[number - 1];
    if (text === undefined) return failed(404, "NOT_FOUND");
    const payload = { data: Buffer.from(text).toString("base64"), dataCrc32c: "0" };
    return { status: 200, body: { name: `${name}/versions/${number}`, payload } };
  }

  function signedIn({ body }: WebRequest): WebAnswer {
    const form = new URLSearchParams(body);
    const [head = "", claims = "", signature = ""] = (form.get("assertion") ?? "").split(".");
    const read = (part: string) =>
      JSON.parse(Buffer.from(part, "base64url").toString() || "{}") as Readonly<Record<string, unknown>>;
    const good =
      form.get("grant_type") === "urn:ietf:params:oauth:grant-type:jwt-bearer" &&
      read(head)["alg"] === "RS256" &&
      read(claims)["aud"] === `${found.url}/token` &&
      read(claims)["iss"] === "gateway@my-project.iam.gserviceaccount.com" &&
      read(claims)["scope"] === "https://www.googleapis.com/auth/cloud-platform" &&
      Number(read(claims)["exp"]) - Number(read(claims)["iat"]) === 3_600 &&
      verify("sha256", Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, "base64url"));
    return good ? { status: 200, body: token() } : { status: 400, body: { error: "invalid_grant" } };
  }

  function metadata({ url, headers }: WebRequest): WebAnswer {
    if (headers["metadata-flavor"] !== "Google") return { status: 403, body: "" };
    if (url.pathname.endsWith("/project/project-id")) return { status: 200, body: googleProject };
    const isToken = url.pathname.endsWith("/instance/service-accounts/default/token");
    return isToken ? { status: 200, body: token() } : { status: 404, body: "" };
  }

  const server = await openWebServer(answer);
  const found: GoogleServer = Object.assign(server, {
    keyFile: JSON.stringify({
      type: "service_account",
      project_id: googleProject,
      private_key_id: "kid-1",
      private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
      client_email: "gateway@my-project.iam.gserviceaccount.com",
      token_uri: `${server.url}/token`,
    }),
    secrets,
    allowed: true,
    revokeTokens: () => void generation++,
  });
  return found;
}

function failed(code: number, status: string): WebAnswer {
  return { status: code, body: { error: { code, message: "with secret-canary in it", status } } };
}
