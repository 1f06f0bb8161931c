/** The part of the 1Password Connect API that reads items, as it is documented. */
import { openWebServer, type WebAnswer, type WebRequest, type WebServer } from "./web-server.ts";

interface Field {
  readonly id: string;
  readonly label: string;
  readonly value?: string;
  readonly section?: { readonly id: string; readonly label: string };
}

export interface OnePasswordServer extends WebServer {
  readonly token: string;
  /** The fields of the items of the vault `Infra`, by title. */
  readonly items: Map<string, readonly Field[]>;
  allowed: boolean;
}

export const onePasswordVault = { id: "ftz4pm2xxwmwrsd7rjqn7grzfz", name: "Infra" };

export async function openOnePasswordServer(): Promise<OnePasswordServer> {
  const own = { token: "eyJhbGciOiJFUzI1NiJ9.connect.sig", items: new Map<string, readonly Field[]>(), allowed: true };

  function answer(request: WebRequest): WebAnswer {
    if (request.headers.authorization !== `Bearer ${own.token}`) return failed(401, "Invalid token signature");
    if (!found.allowed) return failed(403, "Authorization: token does not have permission");
    const { pathname, searchParams } = request.url;
    const filter = /^(\w+) eq "([^"]*)"$/.exec(searchParams.get("filter") ?? "")?.[2];
    if (pathname === "/v1/vaults") {
      return { status: 200, body: filter === onePasswordVault.name ? [onePasswordVault] : [] };
    }
    const [, vault, id] = /^\/v1\/vaults\/(\w+)\/items(?:\/(\w+))?$/.exec(pathname) ?? [];
    if (vault !== onePasswordVault.id) return failed(404, "vault not found");
    const titles = [...found.items.keys()];
    if (id === undefined) {
      const same = titles.filter((title) => title.replace(/ \(\d\)$/, "") === filter);
      return { status: 200, body: same.map((title) => ({ id: idOf(title), title: filter })) };
    }
    const title = titles.find((each) => idOf(each) === id);
    if (title === undefined) return failed(404, "item not found");
    return { status: 200, body: { id, title, vault: { id: vault }, fields: found.items.get(title) } };
  }

  const found: OnePasswordServer = Object.assign(await openWebServer(answer), own);
  return found;
}

/** 26 letters and digits, like the real ones. */
export function idOf(title: string): string {
  return Buffer.from(title).toString("hex").padEnd(26, "q").slice(0, 26);
}

function failed(status: number, message: string): WebAnswer {
  return { status, body: { status, message: `${message}; secret-canary` } };
}
