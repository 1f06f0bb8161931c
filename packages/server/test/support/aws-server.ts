/**
 * What AWS documents of Secrets Manager (`GetSecretValue` in JSON 1.1), of the token service (`AssumeRoleWithWebIdentity`),
 * and of the servers that hand credentials to containers and instances. Signatures are checked.
 */
import { signedHeaders } from "../../src/external/aws/signature.ts";
import { Secret } from "../../src/kernel/secret.ts";
import { openWebServer, type WebAnswer, type WebRequest, type WebServer } from "./web-server.ts";

export interface AwsServer extends WebServer {
  readonly region: string;
  /** By access key id; each may have a session token. */
  readonly accounts: Map<string, { readonly secret: string; readonly token?: string }>;
  /** By name or ARN: text, or bytes in base64. */
  readonly secrets: Map<string, { readonly text?: string; readonly binary?: string }>;
  /** An error for every call, such as `ThrottlingException`. */
  failure: string | undefined;
  /** What a web identity proves itself with. */
  identityToken: string;
  /** When the credentials that are handed out end. */
  expiration: string;
  /** Whether the machine answers to requests for credentials of its role. */
  instance: boolean;
}

export const accountKey = { id: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
export const roleKey = {
  id: "ASIAEXAMPLE",
  secret: "roleroleroleroleroleroleroleroleroleroleKEY",
  token: "FQoGZXIvY+session/token==",
};

export async function openAwsServer(): Promise<AwsServer> {
  const own = {
    region: "eu-central-1",
    accounts: new Map<string, { readonly secret: string; readonly token?: string }>([
      [accountKey.id, { secret: accountKey.secret }],
      [roleKey.id, { secret: roleKey.secret, token: roleKey.token }],
    ]),
    secrets: new Map<string, { readonly text?: string; readonly binary?: string }>(),
    failure: undefined as string | undefined,
    identityToken: "eyJhbGciOiJSUzI1NiJ9.identity.sig",
    expiration: "2126-01-01T00:00:00Z",
    instance: false,
  };

  function answer(request: WebRequest): WebAnswer {
    const { pathname } = request.url;
    if (pathname.startsWith("/latest/")) return instance(request);
    if (pathname === "/container") return container(request);
    return request.headers["x-amz-target"] === undefined ? tokenService(request) : secretsManager(request);
  }

  function secretsManager(request: WebRequest): WebAnswer {
    const problem = signatureProblem(request, found);
    if (problem !== undefined) return failed(problem);
    if (found.failure !== undefined) return failed(found.failure);
    if (request.headers["content-type"] !== "application/x-amz-json-1.1") return failed("SerializationException");
    if (request.headers["x-amz-target"] !== "secretsmanager.GetSecretValue") return failed("UnknownOperationException");
    const name = String((JSON.parse(request.body) as Readonly<Record<string, unknown>>)["SecretId"]);
    const secret = found.secrets.get(name);
    if (secret === undefined) return failed("com.amazonaws.secretsmanager#ResourceNotFoundException");
    const arn = name.startsWith("arn:")
      ? name
      : `arn:aws:secretsmanager:${found.region}:111122223333:secret:${name}-AbCdEf`;
    const parts = { ARN: arn, Name: name, VersionId: "v", VersionStages: ["AWSCURRENT"], CreatedDate: 1.7e9 };
    const { text: SecretString, binary: SecretBinary } = secret;
    return { status: 200, body: { ...parts, SecretString, SecretBinary } };
  }

  function tokenService({ body }: WebRequest): WebAnswer {
    const form = new URLSearchParams(body);
    const asked = form.get("Action") === "AssumeRoleWithWebIdentity" && form.get("Version") === "2011-06-15";
    const named = form.get("RoleArn")?.startsWith("arn:aws:iam::") === true && form.get("RoleSessionName") !== null;
    if (!asked || !named || form.get("WebIdentityToken") !== found.identityToken) {
      const error = "<Error><Type>Sender</Type><Code>InvalidIdentityToken</Code><Message>no</Message></Error>";
      return { status: 400, body: `<ErrorResponse>${error}<RequestId>r</RequestId></ErrorResponse>` };
    }
    const parts = `<SessionToken>${roleKey.token}</SessionToken><SecretAccessKey>${roleKey.secret}</SecretAccessKey>
      <Expiration>${found.expiration}</Expiration><AccessKeyId>${roleKey.id}</AccessKeyId>`;
    return {
      status: 200,
      body: `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <AssumeRoleWithWebIdentityResult><Credentials>${parts}</Credentials></AssumeRoleWithWebIdentityResult>
        </AssumeRoleWithWebIdentityResponse>`,
    };
  }

  const granted = () => ({
    AccessKeyId: roleKey.id,
    SecretAccessKey: roleKey.secret,
    Token: roleKey.token,
    Expiration: found.expiration,
  });

  function container({ headers }: WebRequest): WebAnswer {
    return headers.authorization === "container-token" ? { status: 200, body: granted() } : { status: 403, body: "" };
  }

  function instance({ method, url, headers }: WebRequest): WebAnswer {
    if (!found.instance) return { status: 404, body: "" };
    if (url.pathname === "/latest/api/token") {
      const asked = method === "PUT" && headers["x-aws-ec2-metadata-token-ttl-seconds"] === "21600";
      return asked ? { status: 200, body: "imds-session" } : { status: 400, body: "" };
    }
    if (headers["x-aws-ec2-metadata-token"] !== "imds-session") return { status: 401, body: "" };
    const place = "/latest/meta-data/iam/security-credentials/";
    if (url.pathname === place) return { status: 200, body: "gateway-role" };
    if (url.pathname !== `${place}gateway-role`) return { status: 404, body: "" };
    return { status: 200, body: { Code: "Success", Type: "AWS-HMAC", LastUpdated: "", ...granted() } };
  }

  const found: AwsServer = Object.assign(await openWebServer(answer), own);
  return found;
}

function signatureProblem(request: WebRequest, { accounts, region }: AwsServer): string | undefined {
  const { authorization = "", "x-amz-date": time = "", "x-amz-security-token": token } = request.headers;
  const [, id = "", signed = ""] = /Credential=([^/]+)\/.* SignedHeaders=(\S+),/.exec(authorization) ?? [];
  const account = accounts.get(id);
  if (account === undefined) return "UnrecognizedClientException";
  if (token !== account.token) return "ExpiredTokenException";
  const headers = Object.fromEntries(
    signed
      .split(";")
      .filter((name) => !["host", "x-amz-date", "x-amz-security-token"].includes(name))
      .map((name) => [name, String(request.headers[name])]),
  );
  const at = String(time).replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z");
  const expected = signedHeaders(
    { method: request.method, url: request.url, headers, body: Buffer.from(request.body) },
    {
      region,
      service: "secretsmanager",
      nowMs: Date.parse(at),
      credentials: {
        accessKeyId: id,
        secretAccessKey: new Secret(account.secret),
        sessionToken: account.token === undefined ? undefined : new Secret(account.token),
        expiresAt: undefined,
      },
    },
  );
  return expected["authorization"] === authorization ? undefined : "InvalidSignatureException";
}

function failed(type: string): WebAnswer {
  return { status: 400, body: { __type: type, message: "what AWS says of it, with secret-canary in it" } };
}
