import { createAdmin } from "./admin/index.ts";
import { createAuditLog } from "./audit/index.ts";
import { createBackups } from "./backup/index.ts";
import { isLoopback, type Config, type ListenAddress, type LoadedConfig } from "./config/index.ts";
import { openDatabase, upgrade } from "./db/index.ts";
import { declaredIn, routesIn, sourcesIn, startKeys } from "./declared.ts";
import { createGateway, createSettler, createTranslation, type Gateway } from "./gateway/index.ts";
import { openAdminToken, openHome, type Home } from "./home/index.ts";
import { createKeyRecords, createOwnership, Keys, type Ownership } from "./identity/index.ts";
import { createSpools, openListener, type PlainPlane, type Plane } from "./ingress/index.ts";
import { systemClock, type Clock } from "./kernel/clock.ts";
import { AppError } from "./kernel/errors.ts";
import type { Log } from "./kernel/log.ts";
import type { Secret } from "./kernel/secret.ts";
import { createLiveSettings, type LiveSettings } from "./live-settings.ts";
import {
  createCredentialCare,
  createProviders,
  predefinedProviders,
  type Provider,
  type Providers,
} from "./providers/index.ts";
import { createReload } from "./reload.ts";
import { createRouting, createRoutes, findBrokenTarget, type Routes, type Routing } from "./routing/index.ts";
import { Shutdown } from "./shutdown.ts";
import { createSources, type Sources } from "./sources/index.ts";
import { createConnector, httpGet, type HttpGet } from "./upstream/index.ts";
import { findResponse, openUsage, type Usage } from "./usage/index.ts";
import { createVault, openVaultStore } from "./vault/index.ts";
import { credentialIn, vaultOptions } from "./vault-options.ts";
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

  const vaultStore = await openVaultStore({ db, home, clock, wanted: config.vault.store });
  const { store } = vaultStore;
  const vault = createVault({ db, store, home, clock, log, options: vaultOptions(loaded, clock) });
  closers.push(() => vault.seal());
  if (vaultStore.kind() !== config.vault.store) {
    const where = { lies: vaultStore.kind() };
    log.warn(where, "the vault lies elsewhere than `vault.store` says; see `portcullis vault move`");
  }
  const { how, created, why } = await vault.start();
  if (how === null) log.warn({ why }, "the vault is sealed; unseal it with `portcullis vault unseal`");
  else log.info({ slot: how, created, why }, "the vault is open");

  const keys = new Keys({ records: createKeyRecords(db), vault, clock });
  await keys.load();
  const sources = openSources({ loaded, log, clock, closers, adopters }, home);
  const providers = await createProviders({
    db,
    clock,
    vault,
    predefined: predefinedProviders,
    declared: declaredIn(loaded),
    environment: await startKeys(config.providers, environment.secrets),
    sources,
  });
  const routes = await createRoutes({ db, clock, declared: routesIn(loaded), providers });
  warnOfBroken(routes, providers, log);
  adopters.push(() => warnOfBroken(routes, providers, log));
  const ownership = createOwnership(db, clock);
  const audit = createAuditLog(db, clock);
  const reload = createReload({ loaded, log, clock, audit, providers, routes, adopters });
  return { adminToken, home, db, vault, vaultStore, keys, providers, routes, sources, ownership, audit, reload };
}

/** A provider may be added at run time, so a file that names one which is not there is no mistake in itself. */
function warnOfBroken(routes: Routes, providers: Providers, log: Log): void {
  for (const route of routes.list()) {
    const target = findBrokenTarget(route, providers);
    if (target !== undefined)
      log.warn({ route: route.name, target }, "the route leads to a provider that is not there");
  }
}

/** What references lead to. Those of the file are asked for at once, so that their first request does not wait. */
function openSources(
  { loaded, log, clock, closers, adopters }: Pick<Surroundings, "loaded" | "log" | "clock" | "closers" | "adopters">,
  home: Home,
): Sources {
  const { config, environment } = loaded;
  const sources = createSources({
    settings: config.sources,
    environment: environment.external,
    variable: loaded.variable,
    ownPaths: [home.path, config.vault.keyFile, credentialIn(environment.credentialsDirectory)].filter(
      (path) => path !== undefined,
    ),
    userHome: loaded.userHome,
    clock,
    log,
  });
  closers.push(() => sources.close());
  const ask = ({ providers }: Config): void => {
    for (const reference of sourcesIn(providers)) sources.resolve(reference).catch(() => undefined); // the log tells of it
  };
  ask(config);
  adopters.push((next) => sources.adopt(next.sources), ask);
  return sources;
}

/** What requests go through: the two planes, and between them and the providers the connector and the ledger. */
async function openTraffic(surroundings: Surroundings, state: Awaited<ReturnType<typeof openState>>) {
  const { loaded, log, clock, traceRequests, live, shutdown, closers, adopters } = surroundings;
  const { config } = loaded;
  const { home, keys, providers, vault } = state;
  const connector = createConnector(config.upstream, clock);
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
  const routing = createRouting({ providers, isUsable, routes: state.routes, translation: live.translation });
  const translation = createTranslation({ vault, clock });
  closers.push(() => translation.close());
  const gateway = createGateway({
    translation,
    keys,
    providers,
    connector,
    isUsable,
    clock,
    log,
    version,
    routing,
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
  return { gateway, admin: openAdmin(surroundings, state, { routing, usage, httpGet: httpGet(connector) }) };
}

/** What the control plane asks of what requests go through. */
interface TrafficParts {
  readonly routing: Routing;
  readonly usage: Usage;
  readonly httpGet: HttpGet;
}

/** The control plane, and what looks after credentials between its calls. */
function openAdmin(
  { loaded: { config }, log, clock, live, closers }: Surroundings,
  state: Awaited<ReturnType<typeof openState>>,
  { routing, usage, httpGet: get }: TrafficParts,
): Plane {
  const { vault, vaultStore } = state;
  const care = createCredentialCare({ ...state, httpGet: get, clock, log, settings: live.credentialTests });
  closers.push(care.start());
  return createAdmin({
    ...state,
    clock,
    configuration: state.reload.state,
    defaults: live.keyDefaults,
    httpGet: get,
    log,
    makeBackup: createBackups({
      openDatabase: () => openDatabase({ url: config.storage.url.reveal(), home: state.home.path }),
      vault,
      vaultFile: () => (vaultStore.kind() === "file" ? vaultStore.store : undefined),
      settle: () => usage.flush(),
      clock,
      product: version,
    }),
    reveal: live.reveal,
    routing,
    startedAt: clock.now(),
    usage,
    version,
  });
}

async function openPorts(
  { loaded, live, shutdown, adopters }: Surroundings,
  { gateway, admin }: { readonly gateway: Pick<Gateway, "plane" | "plain" | "refuse">; readonly admin: Plane },
): Promise<{ readonly url: string; readonly adminUrl: string }> {
  const { server, admin: adminConfig } = loaded.config;
  const listen = async (
    at: ListenAddress,
    planes: readonly Plane[],
    plain?: PlainPlane,
  ): Promise<{ readonly url: string }> => {
    const listener = await openListener({ ...server, ...at, rules: live.headRules }, planes, gateway.refuse, plain);
    shutdown.add(listener);
    adopters.push((config) => listener.adopt(config.server));
    return listener;
  };
  if (adminConfig.listener === undefined) {
    const { url } = await listen(server, [gateway.plane, admin], gateway.plain);
    return { url, adminUrl: url };
  }
  const { url } = await listen(server, [gateway.plane], gateway.plain);
  const { url: adminUrl } = await listen(adminConfig.listener, [admin]);
  return { url, adminUrl };
}
