import type { Clock } from "../kernel/clock.ts";
import type { Log } from "../kernel/log.ts";
import type { Secret } from "../kernel/secret.ts";
import type { AuditLog } from "../audit/index.ts";
import type { MakeBackup } from "../backup/index.ts";
import type { Db } from "../db/index.ts";
import type { Keys, Ownership } from "../identity/index.ts";
import type { Providers } from "../providers/index.ts";
import type { Routing } from "../routing/index.ts";
import type { HttpGet } from "../upstream/index.ts";
import type { Sources } from "../sources/index.ts";
import type { Usage } from "../usage/index.ts";
import type { OpenedVaultStore, Vault } from "../vault/index.ts";

/** What the control plane acts on. */
export interface AdminParts {
  readonly adminToken: Secret;
  readonly audit: AuditLog;
  readonly clock: Clock;
  /** Which file is in force since when (milliseconds), and why what it says now is not, if so. */
  readonly configuration: () => {
    readonly file: string | undefined;
    readonly loadedAt: number;
    readonly problem: string | undefined;
  };
  readonly db: Db;
  readonly defaults: { readonly keyLifeMs: number | undefined };
  readonly httpGet: HttpGet;
  readonly keys: Keys;
  readonly log: Log;
  readonly makeBackup: MakeBackup;
  readonly ownership: Ownership;
  readonly providers: Providers;
  /** Whether stored values may be read back; see reveal.ts. */
  readonly reveal: { readonly allowed: boolean };
  readonly routing: Routing;
  readonly sources: Sources;
  readonly startedAt: number;
  readonly usage: Usage;
  readonly vault: Vault;
  readonly vaultStore: Pick<OpenedVaultStore, "kind" | "move">;
  readonly version: string;
}
