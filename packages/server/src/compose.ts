import { createAdmin } from "./admin/index.ts";
import { createAuditLog } from "./audit/index.ts";
import type { LoadedConfig } from "./config/index.ts";
import { migrate, openDatabase } from "./db/index.ts";
import { startKeys, toDeclared } from "./declared.ts";
import { createGateway, createSettler } from "./gateway/index.ts";
import { openAdminToken, openHome } from "./home/index.ts";
import { createKeyRecords, createOwnership, Keys } from "./identity/index.ts";
import { openListener, type Listener, type Plane, type Refuse } from "./ingress/index.ts";
import { systemClock, type Clock } from "./kernel/clock.ts";
import type { Log } from "./kernel/log.ts";
import type { Secret } from "./kernel/secret.ts";
import { createProviders, predefinedProviders, type Provider } from "./providers/index.ts";
import { createRouting } from "./routing/index.ts";
import { createConnector, httpGet } from "./upstream/index.ts";
import { openUsage } from "./usage/index.ts";
import { createVault } from "./vault/index.ts";
import { version } from "./version.ts";

export interface RunningGateway {
  /** Where the data plane answers, and the admin plane too unless it has a listener of its own. */
  readonly url: string;
  readonly adminUrl: string;
  readonly adminToken: Secret;
  /** Of an instance that has no owner yet. */
  readonly setupCode: Secret | undefined;
  /** Lets replies under way finish, then closes everything in the reverse order of opening. */
  close(): Promise<void>;
}

/** What each step of opening needs, and where it leaves what undoes it. */
interface Surroundings {
  readonly loaded: LoadedConfig;
  readonly log: Log;
  readonly clock: Clock;
  /** Whether every exchange gets a line in the log. */
  readonly traceRequests: boolean;
  readonly closers: (() => unknown)[];
}

/**
 * Builds the whole product from its parts and opens its ports. The only file that picks implementations. If a part does
 * not open, those before it are closed again.
 */
export async function startGateway(
  loaded: LoadedConfig,
  log: Log,
  { clock = systemClock, traceRequests = false }: { readonly clock?: Clock; readonly traceRequests?: boolean } = {},
): Promise<RunningGateway> {
  const closers: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    const surroundings = { loaded, log, clock, traceRequests, closers };
    const state = await openState(surroundings);
    const traffic = await openTraffic(surroundings, state);
    const urls = await openPorts(surroundings, traffic);
    const setupCode = await state.ownership.newSetupCode();
    return { ...urls, adminToken: state.adminToken, setupCode, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What lasts from one start to the next: the home, the database, the vault, and what is kept in them. */
async function openState({ loaded, log, clock, closers }: Surroundings) {
  const { config, environment } = loaded;
  const home = openHome(loaded.home);
  closers.push(() => home.release());
  const { token: adminToken } = await openAdminToken(home, environment.adminToken);

  const db = await openDatabase({ url: config.storage.url.reveal(), home: home.path });
  closers.push(() => db.close());
  const { applied, from, to } = await migrate(db);
  if (applied.length > 0) log.info({ from, to }, "the database schema is up to date");

  const vault = createVault({
    db,
    home,
    clock,
    options: {
      unlocker: config.vault.unlocker,
      keyFile: config.vault.keyFile,
      cacheMs: config.vault.cacheMs,
      environmentKey: environment.rootKey,
      passphrase: environment.passphrase,
    },
  });
  closers.push(() => vault.seal());
  const { how, created } = await vault.start();
  if (how === null) log.warn({}, "the vault is sealed; unseal it with `portcullis vault unseal`");
  else log.info({ slot: how, created }, "the vault is open");

  const keys = new Keys({ records: createKeyRecords(db), vault, clock });
  await keys.load();
  const providers = await createProviders({
    db,
    clock,
    vault,
    predefined: predefinedProviders,
    declared: { file: loaded.file ?? "", providers: config.providers.map(toDeclared) },
    environment: await startKeys(config.providers, environment.secrets),
  });
  const ownership = createOwnership(db, clock);
  return { adminToken, home, db, vault, keys, providers, ownership, audit: createAuditLog(db, clock) };
}

/** What requests go through: the two planes, and between them and the providers the connector and the ledger. */
async function openTraffic(
  { loaded, log, clock, traceRequests, closers }: Surroundings,
  state: Awaited<ReturnType<typeof openState>>,
) {
  const { config } = loaded;
  const { home, keys, providers, vault } = state;
  const connector = createConnector(config.upstream);
  closers.push(() => connector.close());
  const usage = await openUsage({
    directory: home.file("journal"),
    database: { url: config.storage.url.reveal(), home: home.path },
    clock,
    log,
    maxBytes: config.usage.journalMaxBytes,
  });
  closers.push(() => usage.close());

  const isUsable = (provider: Provider): boolean => !provider.needsKey || providers.credentials.hasUsable(provider.id);
  const gateway = createGateway({
    keys,
    providers,
    connector,
    isUsable,
    clock,
    log,
    version,
    routing: createRouting({ providers, isUsable }),
    settler: createSettler(usage, clock, traceRequests ? (end) => log.info({ ...end }, "request") : undefined),
    bodyLimits: { limitBytes: config.server.bodyLimitBytes, timeoutMs: config.server.bodyTimeoutMs },
    includeStreamUsage: config.usage.includeStreamUsage,
    readiness() {
      if (vault.sealed) return "the vault is sealed";
      const { ok, problem } = usage.health();
      return ok ? undefined : problem;
    },
  });
  const defaults = { keyLifeMs: config.keys.expiresMs };
  const parts = { clock, defaults, httpGet: httpGet(connector), log, startedAt: clock.now(), usage, version };
  return { gateway, admin: createAdmin({ ...state, ...parts }) };
}

async function openPorts(
  { loaded, closers }: Surroundings,
  { gateway, admin }: { readonly gateway: { readonly plane: Plane; readonly refuse: Refuse }; readonly admin: Plane },
): Promise<{ readonly url: string; readonly adminUrl: string }> {
  const { server, admin: adminConfig } = loaded.config;
  const rules = {
    hosts: new Set([...server.allowedHosts, server.host]),
    origins: new Set(server.allowedOrigins),
  };
  const listen = async (
    at: { readonly host: string; readonly port: number },
    planes: readonly Plane[],
  ): Promise<Listener> => {
    const listener = await openListener({ ...server, ...at, rules }, planes, gateway.refuse);
    closers.push(() => listener.close());
    return listener;
  };
  if (adminConfig.listener === undefined) {
    const { url } = await listen(server, [gateway.plane, admin]);
    return { url, adminUrl: url };
  }
  const { url } = await listen(server, [gateway.plane]);
  const { url: adminUrl } = await listen(adminConfig.listener, [admin]);
  return { url, adminUrl };
}
