import type { Clock } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import { accessTokenIn, createBearerClient } from "../bearer-client.ts";
import type { ExternalEnvironment } from "../environment.ts";
import { createHttpCaller, type HttpLimits } from "../http.ts";
import { readServiceAccount, serviceAccountToken } from "./service-account.ts";

export interface GoogleOptions extends HttpLimits {
  /** The key file of a service account, if not GOOGLE_APPLICATION_CREDENTIALS. Without either, the metadata server is asked. */
  readonly credentialsFile?: string | undefined;
  /** Replaces `https://secretmanager.googleapis.com`. */
  readonly endpoint?: string | undefined;
  /** The project of names that have none, if not GOOGLE_CLOUD_PROJECT, the service account's or the machine's own. */
  readonly project?: string | undefined;
  readonly environment: ExternalEnvironment;
  readonly clock: Clock;
}

export interface GoogleClient {
  /** Gets `/v1/{path}` of Secret Manager. Throws the errors of a call, and `external_unconfigured`. */
  get(path: string): Promise<unknown>;
  /** The project of names that have none. */
  project(): Promise<string>;
}

export function createGoogleClient(options: GoogleOptions): GoogleClient {
  const { texts } = options.environment;
  const http = createHttpCaller(options);
  const keyFile = options.credentialsFile ?? texts["GOOGLE_APPLICATION_CREDENTIALS"];
  const metadata = `http://${texts["GCE_METADATA_HOST"] ?? "169.254.169.254"}/computeMetadata/v1`;
  const base = (options.endpoint ?? "https://secretmanager.googleapis.com").replace(/\/+$/, "");

  const askMetadata = (path: string, what: string) =>
    http({ url: `${metadata}/${path}`, method: "GET", headers: { "metadata-flavor": "Google" }, what });

  async function token() {
    if (keyFile !== undefined) return serviceAccountToken(http, await readServiceAccount(keyFile), options.clock.now());
    const what = "the token of the machine's service account";
    const reply = await askMetadata("instance/service-accounts/default/token", what);
    return accessTokenIn(reply, new URL(metadata).host, what);
  }

  async function findProject(): Promise<string> {
    const given = options.project ?? texts["GOOGLE_CLOUD_PROJECT"];
    if (given !== undefined) return given;
    if (keyFile !== undefined) return (await readServiceAccount(keyFile)).project ?? noProject();
    const { status, text } = await askMetadata("project/project-id", "the machine's project");
    return status === 200 && /^[a-z0-9.:-]{1,100}$/.test(text) ? text : noProject();
  }

  const client = createBearerClient(http, token, options.clock);
  return {
    get: (path) => client.get(`${base}/v1/${path}`, `\`${path}\``),
    project: findProject,
  };
}

function noProject(): never {
  throw new AppError("external_unconfigured", {
    problem: "the name says no Google Cloud project, and none is set",
    advice: "write gcp:projects/PROJECT/secrets/NAME, or set the project in portcullis.yaml or as GOOGLE_CLOUD_PROJECT",
  });
}
