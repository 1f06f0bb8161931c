import type { endpoints, HandlersOf, IssuedKey as IssuedKeyBody, Key } from "@portcullis/contract";
import { isoTime, parseDurationMs, type Clock } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import type { IssuedKey, KeyRecord } from "../../identity/index.ts";
import type { Call } from "../app.ts";
import { pageOf } from "../paging.ts";
import type { AdminParts } from "../parts.ts";

export function keyHandlers({ keys, clock, defaults }: AdminParts): HandlersOf<(typeof endpoints)["keys"], Call> {
  const show = (record: KeyRecord): Key => describeKey(record, clock);
  const issue = ({ record, text }: IssuedKey): IssuedKeyBody => ({ ...show(record), key: text.reveal() });

  return {
    list: async ({ query }) => pageOf(keys.list().map(show), query, (key) => key.id),
    get: async ({ params }) => show(keys.get(params.id)),
    create: async ({ input }, { actor }) => {
      const lifeMs = input.expires_in === undefined ? defaults.keyLifeMs : parseDurationMs(input.expires_in);
      const created = await keys.create(
        {
          kind: input.admin ? "admin" : "caller",
          user: input.user,
          team: input.team,
          service: input.service,
          description: input.description,
          models: input.models,
          allowIp: input.allow_ip,
          passthrough: input.passthrough,
          expiresAt: expiryOf(input.admin, lifeMs, clock),
        },
        actor,
      );
      return issue(created);
    },
    update: async ({ params, input }) => {
      const { allow_ip: allowIp, expires_in: expiresIn, ...same } = input;
      const admin = keys.get(params.id).kind === "admin";
      const expiresAt = expiresIn === undefined ? undefined : newExpiry(admin, expiresIn, clock);
      return show(await keys.update(params.id, { ...same, allowIp, expiresAt }));
    },
    disable: async ({ params }) => show(await keys.disable(params.id)),
    enable: async ({ params }) => show(await keys.enable(params.id)),
    rotate: async ({ params, input }) =>
      issue(await keys.rotate(params.id, parseDurationMs(input.overlap ?? "0s") ?? 0)),
    remove: async ({ params }) => {
      await keys.remove(params.id);
      return undefined;
    },
    validate: async ({ input }) => {
      try {
        const caller = keys.authenticate(input.key, "");
        const record = keys.get(caller.keyId);
        return { valid: true, id: record.id, kind: record.kind, expires_at: timeOrNull(record.expiresAt) };
      } catch (error) {
        // Where the key is used from is not known here, so an address list says nothing about its validity.
        if (error instanceof AppError && error.code === "address_not_allowed") return { valid: true };
        if (error instanceof AppError && error.status === 401) return { valid: false, reason: error.code };
        throw error;
      }
    },
  };
}

const adminLifeMs = 90 * 24 * 3_600_000;

/** An admin key always expires, after 90 days at the latest. */
function expiryOf(admin: boolean, lifeMs: number | undefined, clock: Clock): number | undefined {
  if (!admin) return lifeMs === undefined ? undefined : clock.now() + lifeMs;
  return clock.now() + Math.min(lifeMs ?? adminLifeMs, adminLifeMs);
}

function newExpiry(admin: boolean, expiresIn: string | null, clock: Clock): number | null {
  return expiryOf(admin, expiresIn === null ? undefined : parseDurationMs(expiresIn), clock) ?? null;
}

function describeKey(record: KeyRecord, clock: Clock): Key {
  const expired = record.expiresAt !== null && record.expiresAt <= clock.now();
  return {
    id: record.id,
    kind: record.kind,
    last_four: record.lastFour,
    user: record.user,
    team: record.team,
    service: record.service,
    description: record.description,
    models: record.models === null ? null : [...record.models],
    allow_ip: record.allowIp === null ? null : [...record.allowIp],
    passthrough: record.passthrough === null ? null : [...record.passthrough],
    status: record.disabledAt !== null ? "disabled" : expired ? "expired" : "active",
    expires_at: timeOrNull(record.expiresAt),
    previous_valid_until: timeOrNull(record.previousUntil),
    created_at: isoTime(record.createdAt),
    created_by: record.createdBy,
  };
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
