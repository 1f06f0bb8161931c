import type { IncomingMessage } from "node:http";
import { AppError } from "../kernel/errors.ts";
import type { Secret } from "../kernel/secret.ts";
import type { Actor } from "./access.ts";
import type { Call } from "./app.ts";
import type { AdminParts } from "./parts.ts";

/*
 * The only way in which a sealed value comes out over the API. All of these hold, or nothing comes out:
 *
 *   the configuration says `vault.reveal: true`, which it does not unless somebody wrote it;
 *   the caller has the permission `credentials:reveal`;
 *   the caller is on this machine: the connection comes from a loopback address, and no header tells of a proxy on the
 *   way. A header can only take this away, never give it;
 *   the audit log has the event.
 *
 * Whoever answers with a value gets it from `revealValue`, and from nowhere else.
 */

/** What is about to be shown: `{ action: "secrets.revealed", target: "openai_api_key" }`. */
export interface Revealed {
  readonly action: "secrets.revealed" | "credentials.revealed";
  readonly target: string;
}

/**
 * The value in clear: opened once it may be shown, and answered once that is recorded. Throws `reveal_disabled`,
 * `reveal_not_permitted`, `reveal_not_local`, what `open` throws, or what kept the event from being written.
 */
export async function revealValue(
  { audit, reveal }: Pick<AdminParts, "audit" | "reveal">,
  { actor, local }: Pick<Call, "actor" | "local">,
  { action, target }: Revealed,
  open: () => Promise<Secret>,
): Promise<string> {
  requireRevealable(reveal, { actor, local });
  const value = await open();
  await audit.record({ actor, action, target, detail: {} });
  return value.reveal();
}

/** Whether it would be shown; nothing is written down. */
export function mayReveal({ reveal }: Pick<AdminParts, "reveal">, call: Pick<Call, "actor" | "local">): boolean {
  return reveal.allowed && hasPermission(call.actor) && call.local;
}

function requireRevealable({ allowed }: AdminParts["reveal"], { actor, local }: Pick<Call, "actor" | "local">): void {
  if (!allowed) throw new AppError("reveal_disabled");
  if (!hasPermission(actor)) throw new AppError("reveal_not_permitted", { actor });
  if (!local) throw new AppError("reveal_not_local");
}

/** Admins are the only principals of this plane that have it: whoever holds the admin token, and admin keys. */
function hasPermission(actor: Actor): boolean {
  return actor === "admin.token" || actor.startsWith("key:");
}

const proxyHeaders = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"] as const;
const loopback = /^(?:::ffff:)?127(?:\.\d{1,3}){3}$|^::1$/;

/** Whether the request was made on this machine, as far as that can be known: a proxy may still keep silent. */
export function isLocal({
  socket,
  headers,
}: Pick<IncomingMessage, "headers"> & { readonly socket: { readonly remoteAddress?: string | undefined } }): boolean {
  return loopback.test(socket.remoteAddress ?? "") && proxyHeaders.every((name) => headers[name] === undefined);
}
