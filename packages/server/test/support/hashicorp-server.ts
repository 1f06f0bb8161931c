/**
 * HashiCorp Vault's HTTP API, as OpenBao has it too, as far as its documentation describes it: the token, AppRole and
 * Kubernetes auth methods, namespaces, and the key-value store of version 2.
 */
import { randomBytes, randomUUID } from "node:crypto";
import type { Clock } from "../../src/kernel/clock.ts";
import type { TlsCertificate } from "./tls-certificate.ts";
import { openWebServer, type WebAnswer, type WebRequest, type WebServer } from "./web-server.ts";

interface Token {
  endsAt: number;
  readonly maxEndsAt: number;
  readonly renewable: boolean;
}

export interface HashicorpServer extends WebServer {
  readonly rootToken: string;
  readonly roleId: string;
  readonly secretId: string;
  /** What the service account of the Kubernetes role `gateway` proves itself with. */
  jwt: string;
  /** Tokens that are valid now. */
  tokens(): readonly string[];
  revoke(token: string): void;
  revokeAll(): void;
  /** A token like one an operator would hand out. */
  issue(options: { readonly seconds: number; readonly renewable: boolean; readonly maxSeconds?: number }): string;
  /** Writes a new version at `mount/path`. */
  put(path: string, data: Readonly<Record<string, unknown>>): void;
  remove(path: string): void;
  /** Whether tokens may read secrets. */
  allowed: boolean;
  sealed: boolean;
}

export interface HashicorpServerOptions {
  readonly clock: Clock;
  readonly namespace?: string;
  readonly tls?: TlsCertificate;
  /** How long a login is good for, and how far renewals move that. */
  readonly seconds?: number;
  readonly maxSeconds?: number;
}

export async function openHashicorpServer(options: HashicorpServerOptions): Promise<HashicorpServer> {
  const { clock, namespace, seconds = 3_600, maxSeconds = 86_400 } = options;
  const tokens = new Map<string, Token>();
  const secrets = new Map<string, (Readonly<Record<string, unknown>> | undefined)[]>();
  const own = {
    rootToken: `hvs.${randomBytes(18).toString("base64url")}`,
    roleId: randomUUID(),
    secretId: randomUUID(),
    jwt: `eyJhbGciOiJSUzI1NiJ9.${randomBytes(12).toString("base64url")}.sig`,
    allowed: true,
    sealed: false,
  };

  const issue = (life: number, renewable = true, most = maxSeconds): string => {
    const token = `hvs.${randomBytes(18).toString("base64url")}`;
    const now = clock.monotonic();
    tokens.set(token, { endsAt: now + life * 1_000, maxEndsAt: now + most * 1_000, renewable });
    return token;
  };
  const isValid = (token: string): boolean =>
    token === own.rootToken || (tokens.get(token)?.endsAt ?? 0) > clock.monotonic();

  function answer(request: WebRequest): WebAnswer {
    const path = decodeURIComponent(request.url.pathname);
    if (found.sealed) return errors(503, "Vault is sealed");
    if (request.headers["x-vault-request"] !== "true") return errors(400, "missing required header");
    if (request.headers["x-vault-namespace"] !== namespace) return errors(404, "no handler for route");
    if (/^\/v1\/auth\/[\w-]+\/login$/.test(path)) return login(path.split("/")[3] ?? "", JSON.parse(request.body));
    const token = String(request.headers["x-vault-token"] ?? "");
    if (!isValid(token)) return errors(403, "permission denied");
    if (path === "/v1/auth/token/lookup-self") return lookup(token);
    if (path === "/v1/auth/token/renew-self" && request.method === "POST") return renew(token);
    if (!found.allowed) return errors(403, "1 error occurred:\n\t* permission denied\n\n");
    return readSecret(path, request.url.searchParams.get("version"));
  }

  function login(method: string, body: Readonly<Record<string, unknown>>): WebAnswer {
    const approle =
      method.startsWith("approle") && body["role_id"] === own.roleId && body["secret_id"] === own.secretId;
    const kubernetes = method.startsWith("kubernetes") && body["role"] === "gateway" && body["jwt"] === found.jwt;
    if (!approle && !kubernetes) return errors(400, "invalid role or secret ID");
    return { status: 200, body: { auth: grant(issue(seconds), seconds) } };
  }

  function lookup(token: string): WebAnswer {
    const held = tokens.get(token);
    const ttl = held === undefined ? 0 : Math.floor((held.endsAt - clock.monotonic()) / 1_000);
    return { status: 200, body: { data: { ttl, renewable: held?.renewable ?? false, policies: ["default"] } } };
  }

  function renew(token: string): WebAnswer {
    const held = tokens.get(token);
    if (held === undefined || !held.renewable) return errors(400, "lease is not renewable");
    held.endsAt = Math.min(clock.monotonic() + seconds * 1_000, held.maxEndsAt);
    const left = Math.floor((held.endsAt - clock.monotonic()) / 1_000);
    return { status: 200, body: { auth: grant(token, left) } };
  }

  function readSecret(path: string, version: string | null): WebAnswer {
    const [, mount, name] = /^\/v1\/(.+?)\/data\/(.+)$/.exec(path) ?? [];
    const versions = secrets.get(`${mount}/${name}`);
    if (versions === undefined) return errors(404);
    const number = version === null ? versions.length : Number(version);
    const data = versions[number - 1] ?? null;
    const metadata = { created_time: "2026-01-01T00:00:00Z", deletion_time: "", destroyed: false, version: number };
    return { status: data === null ? 404 : 200, body: { request_id: randomUUID(), data: { data, metadata } } };
  }

  const server = await openWebServer(answer, options.tls);
  const found: HashicorpServer = Object.assign(server, own, {
    tokens: () => [...tokens.keys()].filter(isValid),
    revoke: (token: string) => void tokens.delete(token),
    revokeAll: () => tokens.clear(),
    issue: (given: { seconds: number; renewable: boolean; maxSeconds?: number }) =>
      issue(given.seconds, given.renewable, given.maxSeconds),
    put: (path: string, data: Readonly<Record<string, unknown>>) =>
      void secrets.set(path, [...(secrets.get(path) ?? []), data]),
    remove: (path: string) => void secrets.set(path, [...(secrets.get(path) ?? []), undefined]),
  });
  return found;
}

function grant(token: string, seconds: number) {
  return { client_token: token, accessor: "x", policies: ["gateway"], lease_duration: seconds, renewable: true };
}

function errors(status: number, ...texts: readonly string[]): WebAnswer {
  return { status, body: { errors: texts } };
}
