import { createAdmin } from "./admin/index.ts";
import { createAuditLog } from "./audit/index.ts";
import { isLoopback, type Config, type ListenAddress, type LoadedConfig } from "./config/index.ts";
import { openDatabase, upgrade } from "./db/index.ts";
import { declaredIn, startKeys } from "./declared.ts";
import { createGateway, createSettler, type Gateway } from "./gateway/index.ts";
import { openAdminToken, openHome } from "./home/index.ts";
import { createKeyRecords, createOwnership, Keys, type Ownership } from "./identity/index.ts";
import { createSpools, openListener, type Plane, type Refuse } from "./ingress/index.ts";
import { systemClock, type Clock } from "./kernel/clock.ts";
import { AppError } from "./kernel/errors.ts";
import type { Log } from "./kernel/log.ts";
import type { Secret } from "./kernel/secret.ts";
import { createLiveSettings, type LiveSettings } from "./live-settings.ts";
import { createProviders, predefinedProviders, type Provider } from "./providers/index.ts";
import { createReload } from "./reload.ts";
import { createRouting } from "./routing/index.ts";
import { Shutdown } from "./shutdown.ts";
import { createConnector, httpGet } from "./upstream/index.ts";
import { findResponse, openUsage } from "./usage/index.ts";
import { createVault } from "./vault/index.ts";
import { version } from "./version.ts";

export interface RunningGateway {
  /** Where the data plane answers, and the admin plane too unless it has a listener of its own. */
  readonly url: string;
  readonly adminUrl: string;
  readonly adminToken: Secret;
  /** Of an instance that has no owner yet. */
  readonly setupCode: Secret | undefined;
  /** Every address of the data plane, and who may come in; those of the admin plane are the contract's. */
  readonly routes: Gateway["routes"];
  /** Puts the configuration file as it is now in force, or keeps the present one and says why; whether it did. */
  reload(): Promise<boolean>;
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
  readonly live: LiveSettings;
  readonly shutdown: Shutdown;
  readonly closers: (() => unknown)[];
  /** What a reload puts in force. */
  readonly adopters: ((config: Config) => void)[];
}

interface GatewayOptions {
  readonly clock?: Clock;
  readonly traceRequests?: boolean;
  /** Is told of every configuration that a reload puts in force. */
  readonly adopt?: (config: Config) => void;
}

/**
 * Builds the whole product from its parts and opens its ports. The only file that picks implementations. If a part does
 * not open, those before it are closed again.
 */
export async function startGateway(
  loaded: LoadedConfig,
  log: Log,
  { clock = systemClock, traceRequests = false, adopt }: GatewayOptions = {},
): Promise<RunningGateway> {
  const closers: (() => unknown)[] = [];
  const live = createLiveSettings(loaded.config);
  const shutdown = new Shutdown(live.drain);
  const adopters = [live.adopt, ...(adopt === undefined ? [] : [adopt])];
  const close = async (): Promise<void> => {
    await shutdown.run();
    for (const closer of closers.splice(0).toReversed()) await closer();
  };
  try {
    const surroundings = { loaded, log, clock, traceRequests, live, shutdown, closers, adopters };
    const state = await openState(surroundings);
    await requireOwner(loaded.config, state.ownership);
    const traffic = await openTraffic(surroundings, state);
    const urls = await openPorts(surroundings, traffic);
    const setupCode = await state.ownership.newSetupCode();
    const { routes } = traffic.gateway;
    return { ...urls, adminToken: state.adminToken, setupCode, routes, reload: state.reload.run, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** An instance that is anybody's to claim is not shown to others. */
async function requireOwner({ server }: Config, ownership: Ownership): Promise<void> {
  if (isLoopback(server.host) || (await ownership.owner()) !== undefined) return;
  throw new AppError("instance_unclaimed", { host: server.host });
}

/** What lasts from one start to the next: the home, the database, the vault, and what is kept in them. */
async function openState({ loaded, log, clock, closers, adopters }: Surroundings) {
  const { config, environment } = loaded;
  const home = openHome(loaded.home);
  closers.push(() => home.release());
  const { token: adminToken } = await openAdminToken(home, environment.adminToken);

  const db = await openDatabase({ url: config.storage.url.reveal(), home: home.path });
  closers.push(() => db.close());
  await upgrade(db, { backups: home.file("backups"), keep: config.storage.backups, log, clock });

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
    declared: declaredIn(loaded),
    environment: await startKeys(config.providers, environment.secrets),
  });
  const ownership = createOwnership(db, clock);
  const audit = createAuditLog(db, clock);
  const reload = createReload({ loaded, log, clock, audit, providers, adopters });
  return { adminToken, home, db, vault, keys, providers, ownership, audit, reload };
}

/** What requests go through: the two planes, and between them and the providers the connector and the ledger. */
async function openTraffic(
  { loaded, log, clock, traceRequests, live, shutdown, closers, adopters }: Surroundings,
  state: Awaited<ReturnType<typeof openState>>,
) {
  const { config } = loaded;
  const { home, keys, providers, vault } = state;
  const connector = createConnector(config.upstream);
  adopters.push((next) => connector.adopt(next.upstream));
  closers.push(() => connector.close());
  const usage = await openUsage({
    directory: home.file("journal"),
    database: { url: config.storage.url.reveal(), home: home.path },
    clock,
    log,
    maxBytes: config.usage.journalMaxBytes,
    retention: config.usage.retention,
  });
  adopters.push((next) => usage.retain(next.usage.retention));
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
    spools: createSpools({ directory: home.file("uploads") }),
    bodyLimits: live.bodyLimits,
    includeStreamUsage: config.usage.includeStreamUsage,
    async findKeptReply(responseId, keyId) {
      await usage.flush().catch(() => undefined); // what is not settled yet is found a moment later
      return findResponse(state.db, { responseId, keyId });
    },
    readiness() {
      if (shutdown.begun) return "the gateway is shutting down";
      if (vault.sealed) return "the vault is sealed";
      const { ok, problem } = usage.health();
      return ok ? undefined : problem;
    },
  });
  shutdown.cutWith(() => gateway.cutAll(new AppError("draining")));
  const admin = createAdmin({
    ...state,
    clock,
    configuration: state.reload.state,
    defaults: live.keyDefaults,
    httpGet: httpGet(connector),
    log,
    startedAt: clock.now(),
    usage,
    version,
  });
  return { gateway, admin };
}

async function openPorts(
  { loaded, live, shutdown, adopters }: Surroundings,
  { gateway, admin }: { readonly gateway: { readonly plane: Plane; readonly refuse: Refuse }; readonly admin: Plane },
): Promise<{ readonly url: string; readonly adminUrl: string }> {
  const { server, admin: adminConfig } = loaded.config;
  const listen = async (at: ListenAddress, planes: readonly Plane[]): Promise<{ readonly url: string }> => {
    const listener = await openListener({ ...server, ...at, rules: live.headRules }, planes, gateway.refuse);
    shutdown.add(listener);
    adopters.push((config) => listener.adopt(config.server));
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
