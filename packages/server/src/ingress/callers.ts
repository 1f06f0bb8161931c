import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import { AppError } from "../kernel/errors.ts";

/** Who may call. */
export interface Allowed {
  /** Host names (without port, lower case) this listener answers to, beside loopback names and IP literals. */
  readonly hosts: ReadonlySet<string>;
  /** Web origins (`https://console.example.com`) that may call from a browser, beside the page's own origin. */
  readonly origins: ReadonlySet<string>;
}

const hostShape = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/;
const loopbackNames: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** The error for a Host that is no name or address with an optional port, or a name that is not ours. */
export function checkHost({ host = "" }: IncomingHttpHeaders, hosts: ReadonlySet<string>): AppError | undefined {
  const name = hostShape.exec(host.toLowerCase())?.[1];
  if (name === undefined) {
    return new AppError("invalid_request", {
      problem: "the Host header must be a name or an address, and a port if any",
    });
  }
  const allowed = loopbackNames.has(name) || hosts.has(name) || isIP(name.replace(/^\[|\]$/g, "")) !== 0;
  return allowed ? undefined : new AppError("host_not_allowed", { host });
}

/** The error for a browser's request from a page of another origin. */
export function checkOrigin(headers: IncomingHttpHeaders, origins: ReadonlySet<string>): AppError | undefined {
  const { origin, host = "" } = headers;
  if (origin === undefined) {
    const site = headers["sec-fetch-site"];
    const foreign = site === "cross-site" || site === "same-site";
    return foreign ? new AppError("origin_not_allowed", { origin: "another site" }) : undefined;
  }
  if (origins.has(origin) || origin === `http://${host}` || origin === `https://${host}`) return undefined;
  return new AppError("origin_not_allowed", { origin });
}
