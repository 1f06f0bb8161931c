import { createClient, type Client } from "@portcullis/client";
import { wrongUsage, type CommandContext } from "./command.ts";

const defaultUrl = "http://127.0.0.1:8484";

/** Where the gateway answers: `--url`, else PORTCULLIS_URL, else this machine. Throws `wrong_usage`. */
export function gatewayUrl({ globals, parts }: CommandContext): URL {
  const given = globals.url ?? (parts.environment["PORTCULLIS_URL"] || defaultUrl);
  const url = URL.parse(given);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== "" || url.password !== "") {
    const where = globals.url === undefined ? "PORTCULLIS_URL" : "--url";
    throw wrongUsage(`${where} does not hold the address of a gateway`, `write it like ${defaultUrl}`);
  }
  return url;
}

/** A client with the right of an administrator, if this machine or the environment has it. */
export async function connect(context: CommandContext): Promise<Client> {
  return createClient({ baseUrl: gatewayUrl(context).href, token: await adminToken(context) });
}

/**
 * PORTCULLIS_ADMIN_TOKEN goes wherever the user says; the token file of this machine's gateway goes to this machine
 * alone, so that a mistyped or hostile `--url` does not receive it.
 */
export async function adminToken(context: CommandContext): Promise<string | undefined> {
  const given = context.parts.environment["PORTCULLIS_ADMIN_TOKEN"];
  if (given !== undefined && given !== "") return given;
  if (!isLoopback(gatewayUrl(context))) return undefined;
  return (await context.parts.readAdminToken(context.globals.home))?.reveal();
}

export function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
