import { createAdmin } from "./admin/index.ts";
import { createAuditLog } from "./audit/index.ts";
import type { LoadedConfig } from "./config/index.ts";
import { migrate, openDatabase } from "./db/index.ts";
import { createGateway, createSettler } from "./gateway/index.ts";
import { createKeyRecords, createOwnership, Keys } from "./identity/index.ts";
import { openListener, type Listener, type Plane } from "./ingress/index.ts";
import { openAdminToken, openHome } from "./home/index.ts";
import { systemClock, type Clock } from "./kernel/clock.ts";
import type { Log } from "./kernel/log.ts";
import type { Secret } from "./kernel/secret.ts";
import { createProviders, predefinedProviders, type Provider } from "./providers/index.ts";
import { createRouting } from "./routing/index.ts";
import { createConnector, httpGet } from "./upstream/index.ts";
import { openUsage } from "./usage/index.ts";
import { createVault } from "./vault/index.ts";
import { startKeys, toDeclared } from "./declared.ts";
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

type Closer = () => unknown;

/**
 * Builds the whole product from its parts and opens its ports. The only file that picks implementations. If a part does
 * not open, those before it are closed again.
 */
export async function startGateway(loaded: LoadedConfig, log: Log, clock: Clock = systemClock): Promise<RunningGateway> {
  const closers: Closer[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    return { ...(await open(loaded, log, clock, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(
  { config, home: homePath, environment, file }: LoadedConfig,
  log: Log,
  clock: Clock,
  closers: Closer[],
): Promise<Omit<RunningGateway, "close">> {
  const home = openHome(homePath);
  closers.push(() => home.release());
  const { token: adminToken } = await openAdminToken(home, environment.adminToken);

  const database = { url: config.storage.url.reveal(), home: home.path };
  const db = await openDatabase(database);
  closers.push(() => db.close());
  const migrated = await migrate(db);
  if (migrated.applied.length > 0) log.info({ from: migrated.from, to: migrated.to }, "the database schema is up to date");

  const vault = createVault({ db, home, clock, options: vaultOptions(config, environment, home.file("root.key")) });
  closers.push(() => vault.seal());
  const opened = await vault.start();
  if (opened.how === null) log.warn({}, "the vault is sealed; unseal it with `portcullis vault unseal`");
  else log.info({ slot: opened.how, created: opened.created }, "the vault is open");

  const audit = createAuditLog(db, clock);
  const ownership = createOwnership(db, clock);
  const keys = new Keys({ records: createKeyRecords(db), vault, clock });
  await keys.load();

  const providers = await createProviders({
    ...{ db, clock, vault, predefined: predefinedProviders },
    declared: { file: file ?? "", providers: config.providers.map(toDeclared) },
    environment: await startKeys(config.providers, environment.secrets),
  });
  const isUsable = (provider: Provider): boolean => !provider.needsKey || providers.credentials.hasUsable(provider.id);

  const connector = createConnector(config.upstream);
  closers.push(() => connector.close());
  const usage = await openUsage({
    directory: home.file("journal"),
    database,
    clock,
    log,
    maxBytes: config.usage.journalMaxBytes,
  });
  closers.push(() => usage.close());

  const gateway = createGateway({
    ...{ keys, providers, connector, isUsable, clock, log, version },
    routing: createRouting({ providers, isUsable }),
    settler: createSettler(usage, clock),
    bodyLimitBytes: config.server.bodyLimitBytes,
    includeStreamUsage: config.usage.includeStreamUsage,
    readiness: () => (vault.sealed ? "the vault is sealed" : usage.health().problem),
  });
  const admin = createAdmin({
    ...{ adminToken, audit, clock, db, keys, log, ownership, providers, usage, vault, version },
    defaults: { keyLifeMs: config.keys.expiresMs },
    httpGet: httpGet(connector),
    startedAt: clock.now(),
  });

  const listen = (at: { host: string; port: number }, planes: readonly Plane[]): Promise<Listener> =>
    openListener({ ...config.server, ...at, rules: headRules(config) }, planes, gateway.refuse);
  const separate = config.admin.listener;
  const server = await listen(config.server, separate === undefined ? [gateway.plane, admin] : [gateway.plane]);
  closers.push(() => server.close());
  const adminServer = separate === undefined ? server : await listen(separate, [admin]);
  if (adminServer !== server) closers.push(() => adminServer.close());

  return { url: server.url, adminUrl: adminServer.url, adminToken, setupCode: await ownership.newSetupCode() };
}

function headRules(config: LoadedConfig["config"]) {
  const { allowedHosts, allowedOrigins, host } = config.server;
  return { hosts: new Set([...allowedHosts, host]), origins: new Set(allowedOrigins) };
}

function vaultOptions(config: LoadedConfig["config"], environment: LoadedConfig["environment"], defaultKeyFile: string) {
  const { unlocker, keyFile, cacheMs } = config.vault;
  return {
    ...{ unlocker, cacheMs, keyFile: keyFile ?? defaultKeyFile },
    ...(environment.rootKey === undefined ? {} : { environmentKey: environment.rootKey }),
    ...(environment.passphrase === undefined ? {} : { passphrase: environment.passphrase }),
  };
}
