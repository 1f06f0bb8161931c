import { isIP } from "node:net";
import { AppError } from "../../kernel/errors.ts";
import { parsedReply, statusFailure } from "../failure.ts";
import { readHeldSecret } from "../held-file.ts";
import { createHttpCaller } from "../http.ts";
import { grantedCredentials } from "./granted.ts";
import type { AwsCredentials, AwsOptions } from "./options.ts";

const what = "the credentials of the container's role";

/** The role of a task of ECS, or of a pod of EKS with an identity. */
export async function fromContainer(options: AwsOptions): Promise<AwsCredentials | undefined> {
  const { texts, secrets } = options.environment;
  const relative = texts["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"];
  const full = texts["AWS_CONTAINER_CREDENTIALS_FULL_URI"];
  if (relative === undefined && full === undefined) return undefined;
  const url = checkedUrl(relative === undefined ? (full ?? "") : `http://169.254.170.2${relative}`);
  const file = texts["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"];
  const token = file === undefined ? secrets.get("AWS_CONTAINER_AUTHORIZATION_TOKEN") : await readHeldSecret(file);
  const headers = token === undefined ? {} : { authorization: token };
  const asked = { host: url.host, what };
  const reply = await createHttpCaller(options)({ url: url.href, method: "GET", headers, what });
  if (reply.status !== 200) throw statusFailure(asked, reply);
  return grantedCredentials(parsedReply(asked, reply), url.host, what);
}

/** The token goes over plain http to the machine itself and to the addresses of ECS and EKS only. */
function checkedUrl(text: string): URL {
  const url = URL.parse(text);
  const host = url?.hostname.replace(/^\[|\]$/g, "") ?? "";
  const near = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23", "::1", "localhost"].includes(host);
  const loopback = isIP(host) === 4 && host.startsWith("127.");
  if (url?.protocol === "https:" || (url?.protocol === "http:" && (near || loopback))) return url;
  throw new AppError("external_unconfigured", {
    problem: "AWS_CONTAINER_CREDENTIALS_FULL_URI leads neither over https nor to this machine",
    advice: "it is set by ECS and EKS; unset it elsewhere",
  });
}
