import type { Clock } from "../kernel/clock.ts";
import { describe } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import type { Secret } from "../kernel/secret.ts";
import type { CredentialRecord } from "./credential-records.ts";
import { createExpiryNotices } from "./expiry-notices.ts";
import type { HttpGet } from "./probe.ts";
import { testProvider } from "./probe.ts";
import type { Providers } from "./providers.ts";
import { createTestPlan, type TestPlan } from "./test-plan.ts";

export interface CredentialCareParts {
  readonly providers: Pick<Providers, "credentials" | "get">;
  readonly vault: { readonly sealed: boolean };
  readonly httpGet: HttpGet;
  readonly clock: Clock;
  readonly log: Log;
  /** Writes an event before the change that it speaks of. */
  readonly audit: {
    record(event: {
      readonly actor: string;
      readonly action: string;
      readonly target: string;
      readonly detail: Readonly<Record<string, unknown>>;
    }): Promise<void>;
  };
  /** Read whenever it is needed, so that it may change. 0: keys are tested only when somebody asks. */
  readonly settings: { readonly testEveryMs: number };
}

export interface CredentialCare {
  /** Does what is due. It never rejects: what goes wrong is told to the log, and tried again the next time. */
  run(): Promise<void>;
  /** Resolves when no roll-back is under way. */
  settled(): Promise<void>;
  /** Runs from now on by itself; the result ends that. */
  start(): () => void;
}

const runEveryMs = 15_000;
const quietMs = 60_000;

/**
 * What is done for credentials without anybody asking: keys are tested now and then, those about to expire are told
 * of, keys before a rotation are deleted when their overlap is over, and put in force again when the provider refuses
 * the new one meanwhile.
 *
 * A test that fails changes nothing by itself; the third in a row marks a credential as failing, and it is used last.
 * A refusal in traffic (401) leads back to the key before at once. One that may have another reason (403) does so only
 * if a test of the key is refused, too.
 */
export function createCredentialCare(parts: CredentialCareParts): CredentialCare {
  const { providers, vault, clock, log, settings } = parts;
  const { credentials } = providers;
  const plan = createTestPlan(clock.now());
  const expiry = createExpiryNotices(log);
  const rollBacks = createRollBacks(parts);
  let areOverlapsKnown = false;
  let running: Promise<void> | undefined;

  async function endOverlaps(): Promise<void> {
    if (!areOverlapsKnown) {
      await credentials.loadOverlaps();
      areOverlapsKnown = true;
    }
    for (const id of await credentials.endOverlaps()) {
      log.info({ credential: id }, "the key before the rotation was deleted; its overlap is over");
    }
  }

  const stored = (): readonly CredentialRecord[] =>
    credentials.list().filter((record) => record.source === "stored" && record.status !== "disabled");

  async function work(): Promise<void> {
    expiry.tell(stored(), clock.now());
    if (vault.sealed) return;
    await endOverlaps();
    const { testEveryMs } = settings;
    if (testEveryMs === 0) return;
    const testable = stored().filter((record) => isTestable(credentials.state(record)));
    const due = plan.due(testable, clock.now(), testEveryMs);
    const most = Math.max(1, Math.ceil((testable.length * runEveryMs) / testEveryMs));
    for (const record of due.slice(0, most)) await testOne(record, plan, parts);
  }

  async function run(): Promise<void> {
    try {
      await work();
    } catch (error) {
      log.warn({ error: describe(error) }, "the credentials could not be looked after; that is tried again");
    }
  }

  const runOnce = (): Promise<void> => {
    running ??= run().finally(() => {
      running = undefined;
    });
    return running;
  };

  return {
    run: runOnce,
    settled: rollBacks.settled,
    start() {
      const timer = setInterval(() => void runOnce(), runEveryMs);
      timer.unref();
      const stopListening = credentials.onRefused(rollBacks.consider);
      void runOnce();
      return () => {
        clearInterval(timer);
        stopListening();
      };
    },
  };
}

function isTestable(state: ReturnType<Providers["credentials"]["state"]>): boolean {
  return state !== "disabled" && state !== "expired" && state !== "wrong_origin" && state !== "sealed";
}

async function testOne(record: CredentialRecord, plan: TestPlan, parts: CredentialCareParts): Promise<void> {
  const { providers, clock, log, settings } = parts;
  const { credentials } = providers;
  const wasFailing = record.status === "failing";
  const result = await probe(record, parts);
  if (credentials.lookUp(record.id) === undefined) return; // it was removed meanwhile
  await credentials.recordTest(record.id, result);
  const failures = plan.note(record.id, result.ok, clock.now(), settings.testEveryMs);
  const fields = { credential: record.id, provider: record.providerId, problem: result.error };
  if (result.ok) {
    if (wasFailing) log.info({ credential: record.id, provider: record.providerId }, "the key works again");
    return;
  }
  if (failures !== plan.mostFailures || wasFailing) return log.info(fields, "a scheduled test of a key failed");
  await credentials.markFailing(record.id);
  log.warn({ ...fields, failures }, "scheduled tests of a key keep failing; it is used last from now on");
}

/** A key that cannot be opened or read has failed its test, too. */
async function probe(
  record: CredentialRecord,
  { providers, httpGet, clock }: CredentialCareParts,
  given?: Secret,
): Promise<{ readonly ok: boolean; readonly error?: string; readonly status?: number }> {
  const provider = providers.get(record.providerId);
  if (provider === undefined) return { ok: false, error: "its provider is gone" };
  let key = given;
  try {
    key ??= await providers.credentials.open(record, provider.origin);
  } catch (error) {
    return { ok: false, error: describe(error) };
  }
  return testProvider(provider, key, { httpGet, clock });
}

/** Decides of each refusal whether it leads back to the key before. For one credential, one at a time. */
function createRollBacks(parts: CredentialCareParts) {
  const { providers, clock, log, audit } = parts;
  const { credentials } = providers;
  const underWay = new Map<string, Promise<void>>();
  /** Until when a 403 is not looked into again, since the last was about something else. */
  const quiet = new Map<string, number>();

  async function isRefused(record: CredentialRecord, key: Secret): Promise<boolean> {
    if ((quiet.get(record.id) ?? 0) > clock.now()) return false;
    const { status } = await probe(record, parts, key);
    if (status === 401 || status === 403) return true;
    quiet.set(record.id, clock.now() + quietMs);
    return false;
  }

  async function rollBack(record: CredentialRecord, key: Secret, status: number): Promise<void> {
    if (status === 403 && !(await isRefused(record, key))) return;
    const detail = { provider: record.providerId, status };
    const before = () => audit.record({ actor: "gateway", action: "credentials.roll_back", target: record.id, detail });
    if (!(await credentials.rollBack(record.id, key, before))) return;
    log.warn(
      { credential: record.id, ...detail },
      "the provider refused the key of the last rotation; the one before is in force again",
    );
  }

  return {
    consider(record: CredentialRecord, key: Secret, status: number): void {
      if (credentials.overlapOf(record.id) === undefined || underWay.has(record.id)) return;
      const attempt = rollBack(record, key, status)
        .catch((error: unknown) => {
          log.error(
            { credential: record.id, error: describe(error) },
            "the key before the rotation could not be put back",
          );
        })
        .finally(() => underWay.delete(record.id));
      underWay.set(record.id, attempt);
    },
    settled: async (): Promise<void> => void (await Promise.all(underWay.values())),
  };
}
