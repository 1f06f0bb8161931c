import { Secret } from "../kernel/secret.ts";
import { isLoopback } from "./fields.ts";
import type { FileConfig } from "./schema.ts";

/** An address to listen on. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * The configuration the product runs on: deeply frozen, complete, units in the names. `compose` hands each
 * module the few values it needs; no module sees all of it.
 */
export interface Config {
  readonly server: ListenAddress & {
    readonly allowedHosts: readonly string[];
    readonly allowedOrigins: readonly string[];
    readonly bodyLimitBytes: number;
    readonly headTimeoutMs: number;
    readonly bodyTimeoutMs: number;
    readonly bodyMinRate: number;
    readonly writeTimeoutMs: number;
    readonly maxConnections: number;
    readonly maxConnectionsPerAddress: number;
    readonly keepAliveMs: number;
    readonly shutdownDelayMs: number;
    readonly drainMs: number;
  };
  readonly admin: {
    /** Where the admin plane listens; `undefined`: on the server's own listener, which then is a loopback one. */
    readonly listener: ListenAddress | undefined;
  };
  /** `sqlite:`, `sqlite:/path` or `postgres://…`; a secret, since the last may hold a password. */
  readonly storage: { readonly url: Secret; readonly backups: number };
  readonly vault: {
    readonly unlocker: FileConfig["vault"]["unlocker"];
    readonly keyFile: string | undefined;
    /** Mount and name of a key of the Transit engine. */
    readonly transit: string | undefined;
    readonly awsKms: string | undefined;
    /** Where a new vault lies. */
    readonly store: "database" | "file";
    readonly cacheMs: number;
    readonly reveal: boolean;
  };
  readonly providers: readonly DeclaredProvider[];
  readonly routes: readonly DeclaredRoute[];
  readonly translation: { readonly lossy: "allow" | "deny" };
  /** 0: keys are tested only when somebody asks. */
  readonly credentials: { readonly testEveryMs: number };
  /** Where references lead; what is `undefined` is found as the vendors' own tools find it. */
  readonly sources: ReturnType<typeof toSources>;
  readonly keys: { readonly expiresMs: number | undefined };
  readonly usage: {
    readonly journalMaxBytes: number;
    readonly includeStreamUsage: boolean;
    readonly retention: { readonly requestsMs: number; readonly sumsMs: number; readonly requestsMaxBytes: number };
  };
  readonly upstream: {
    readonly connectTimeoutMs: number;
    readonly firstByteTimeoutMs: number;
    readonly idleTimeoutMs: number;
    readonly maxConnections: number;
    readonly queueTimeoutMs: number;
  };
  readonly log: {
    readonly level: "debug" | "info" | "warn" | "error";
    readonly format: "auto" | "pretty" | "json";
  };
}

/** A provider of the file. What is `undefined` stays as the predefined provider of this id has it. */
export interface DeclaredProvider {
  readonly id: string;
  readonly name: string | undefined;
  readonly dialects: readonly string[] | undefined;
  readonly baseUrl: string | undefined;
  readonly allowPrivate: boolean | undefined;
  /** A reference. The value of `env:NAME` is in `LoadedConfig.environment.secrets`. */
  readonly apiKey: string | undefined;
  readonly models: readonly DeclaredModel[];
  readonly headers: Readonly<Record<string, string>>;
}

/** A route of the file; of `target`, `targets` and `tiers` exactly one is given. */
export interface DeclaredRoute {
  readonly name: string;
  readonly target: string | undefined;
  readonly targets: readonly string[] | undefined;
  readonly tiers: FileConfig["routes"][string]["tiers"];
  readonly lossy: "allow" | "deny" | undefined;
  readonly displayName: string | undefined;
}

type FileModel = FileConfig["providers"][string]["models"][number];

export interface DeclaredModel {
  readonly name: string;
  readonly displayName: string | undefined;
  readonly contextTokens: number | undefined;
  readonly maxOutputTokens: number | undefined;
  /** Micro-dollars per million tokens, named as in the file. */
  readonly tokenPrice: FileModel["price_micros_per_mtok"];
  /** Micro-dollars per unit, named as in the file. */
  readonly unitPrice: FileModel["price_micros_per_unit"];
}

export function toConfig(file: FileConfig): Config {
  const { server, vault, credentials, keys, usage, upstream } = file;
  return deepFreeze({
    server: {
      host: server.host.toLowerCase(),
      port: server.port,
      allowedHosts: server.allowed_hosts.map((host) => host.toLowerCase()),
      allowedOrigins: server.allowed_origins,
      bodyLimitBytes: server.body_limit_bytes,
      headTimeoutMs: server.head_timeout,
      bodyTimeoutMs: server.body_timeout,
      bodyMinRate: server.body_min_rate,
      writeTimeoutMs: server.write_timeout,
      maxConnections: server.max_connections,
      maxConnectionsPerAddress: server.max_connections_per_address,
      keepAliveMs: server.keep_alive,
      shutdownDelayMs: server.shutdown_delay,
      drainMs: server.drain,
    },
    admin: { listener: adminListener(server, file.admin) },
    storage: { url: new Secret(file.storage.url), backups: file.storage.backups },
    vault: {
      unlocker: vault.unlocker,
      keyFile: vault.key_file,
      transit: vault.transit,
      awsKms: vault.aws_kms,
      store: vault.store,
      cacheMs: vault.cache,
      reveal: vault.reveal,
    },
    providers: Object.entries(file.providers).map(([id, declared]) => toProvider(id, declared)),
    routes: Object.entries(file.routes).map(([name, declared]) => toRoute(name, declared)),
    translation: file.translation,
    credentials: { testEveryMs: credentials.test_every },
    sources: toSources(file.sources),
    keys: { expiresMs: keys.expires },
    usage: {
      journalMaxBytes: usage.journal_max_bytes,
      includeStreamUsage: usage.include_stream_usage,
      retention: {
        requestsMs: usage.keep_requests,
        sumsMs: usage.keep_sums,
        requestsMaxBytes: usage.requests_max_bytes,
      },
    },
    upstream: {
      connectTimeoutMs: upstream.connect_timeout,
      firstByteTimeoutMs: upstream.first_byte_timeout,
      idleTimeoutMs: upstream.idle_timeout,
      maxConnections: upstream.max_connections,
      queueTimeoutMs: upstream.queue_timeout,
    },
    log: file.log,
  });
}

/**
 * The admin plane never leaves this machine: as soon as the server listens on anything but loopback, it has a
 * loopback listener of its own. It also has one if the file gives it an address.
 */
export function adminListener(server: ListenAddress, admin: FileConfig["admin"]): ListenAddress | undefined {
  const asked = admin.host !== undefined || admin.port !== undefined;
  if (!asked && isLoopback(server.host)) return undefined;
  const listener = { host: admin.host?.toLowerCase() ?? "127.0.0.1", port: admin.port ?? 8485 };
  const same = listener.host === server.host.toLowerCase() && listener.port === server.port && listener.port !== 0;
  return same ? undefined : listener;
}

function toSources({ cache, keep, timeout, ca_file: caFile, ...at }: FileConfig["sources"]) {
  return {
    cacheMs: cache,
    keepMs: keep,
    timeoutMs: timeout,
    vault: {
      address: at.vault_address,
      namespace: at.vault_namespace,
      auth: at.vault_auth,
      mount: at.vault_mount,
      tokenFile: at.vault_token_file,
      role: at.vault_role,
      roleId: at.vault_role_id,
      secretIdFile: at.vault_secret_id_file,
      caFile,
    },
    aws: { region: at.aws_region, profile: at.aws_profile },
    gcp: { project: at.gcp_project, credentialsFile: at.gcp_credentials_file },
    azure: { vaultSuffix: at.azure_vault_suffix },
    op: { address: at.op_address, tokenFile: at.op_token_file, caFile },
  };
}

function toProvider(id: string, declared: FileConfig["providers"][string]): DeclaredProvider {
  return {
    id,
    name: declared.name,
    dialects: declared.dialects ?? (declared.dialect === undefined ? undefined : [declared.dialect]),
    baseUrl: declared.base_url,
    allowPrivate: declared.allow_private,
    apiKey: declared.api_key,
    models: declared.models.map(toModel),
    headers: declared.headers,
  };
}

function toRoute(name: string, declared: FileConfig["routes"][string]): DeclaredRoute {
  const { target, targets, tiers, lossy, display_name: displayName } = declared;
  return { name, target, targets, tiers, lossy, displayName };
}

function toModel(declared: FileModel): DeclaredModel {
  return {
    name: declared.name,
    displayName: declared.display_name,
    contextTokens: declared.context_tokens,
    maxOutputTokens: declared.max_output_tokens,
    tokenPrice: declared.price_micros_per_mtok,
    unitPrice: declared.price_micros_per_unit,
  };
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === "object" && part !== null) deepFreeze(part);
  return Object.freeze(value);
}
