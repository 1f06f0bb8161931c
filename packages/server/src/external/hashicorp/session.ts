import type { Clock } from "../../kernel/clock.ts";
import type { Secret } from "../../kernel/secret.ts";
import type { Grant, Logins } from "./login.ts";

/*
 * The token that calls are made with.
 *
 * States: *none* – at first, and after `drop`: the next call logs in. *fresh* – used as it is. *due* – two thirds of its
 * life are over: the next call renews it, or logs in anew where the server does not renew it, or gives it less than half of
 * its first life (it nears the end that no renewal moves). If neither succeeds, a token that has not ended goes on being
 * used, and the next try is 5 s later. One login or renewal at a time; calls that come meanwhile wait for it.
 */

interface Session extends Grant {
  /** On the monotonic clock; `undefined`: never. */
  readonly dueAt: number | undefined;
  readonly endsAt: number | undefined;
  readonly firstLifeMs: number | undefined;
}

export interface Sessions {
  token(): Promise<Secret>;
  /** The server does not take this token any more; one that came after it stays. */
  drop(token: Secret): void;
}

const retryMs = 5_000;

export function createSessions(logins: Logins, clock: Clock): Sessions {
  let session: Session | undefined;
  let under: Promise<Session> | undefined;

  const sessionOf = (grant: Grant, firstLifeMs = grant.lifeMs): Session => {
    const { lifeMs } = grant;
    const now = clock.monotonic();
    return {
      ...grant,
      firstLifeMs,
      dueAt: lifeMs === undefined ? undefined : now + (lifeMs * 2) / 3,
      endsAt: lifeMs === undefined ? undefined : now + lifeMs,
    };
  };

  async function follow(present: Session): Promise<Session> {
    if (!present.renewable) return sessionOf(await logins.login());
    const renewed = await logins.renew(present.token).catch(() => undefined);
    const worth = renewed?.lifeMs !== undefined && renewed.lifeMs * 2 >= (present.firstLifeMs ?? 0);
    return worth ? sessionOf(renewed, present.firstLifeMs) : sessionOf(await logins.login());
  }

  async function next(present: Session | undefined): Promise<Session> {
    if (present === undefined) return (session = sessionOf(await logins.login()));
    try {
      session = await follow(present);
    } catch (error) {
      if (present.endsAt !== undefined && clock.monotonic() >= present.endsAt) throw error;
      session = { ...present, dueAt: clock.monotonic() + retryMs };
    }
    return session;
  }

  return {
    async token() {
      const fresh = session !== undefined && (session.dueAt === undefined || clock.monotonic() < session.dueAt);
      if (session !== undefined && fresh) return session.token;
      under ??= next(session).finally(() => (under = undefined));
      return (await under).token;
    },
    drop(token) {
      if (session?.token === token) session = undefined;
    },
  };
}
