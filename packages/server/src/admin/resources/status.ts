import { type endpoints, type HandlersOf } from "@portcullis/contract";
import { openApiDocument } from "@portcullis/contract/schemas";
import { isoTime } from "../../kernel/clock.ts";
import type { Call } from "../app.ts";
import type { SourceHealth } from "../../sources/index.ts";
import type { AdminParts } from "../parts.ts";

export function statusHandlers(parts: AdminParts): HandlersOf<(typeof endpoints)["status"], Call> {
  return {
    get: async () => {
      const { ok, claimed } = await askDatabase(parts);
      const health = parts.usage.health();
      const { file, loadedAt, problem } = parts.configuration();
      return {
        version: parts.version,
        started_at: isoTime(parts.startedAt),
        uptime_seconds: Math.floor((parts.clock.now() - parts.startedAt) / 1000),
        claimed,
        vault: parts.vault.sealed ? "sealed" : "unsealed",
        config: { file: file ?? null, loaded_at: isoTime(loadedAt), problem: problem ?? null },
        database: { engine: parts.db.engine, ok },
        journal: {
          ok: health.ok,
          waiting_rows: health.lag_rows,
          bytes: health.journal_bytes,
          problem: health.problem ?? null,
        },
        requests: health.kept === undefined ? null : describeKept(health.kept),
        sources: parts.sources.health().map(describeSource),
        providers_with_keys: parts.providers
          .list()
          .filter((provider) => parts.providers.credentials.hasUsable(provider.id))
          .map((provider) => provider.id),
      };
    },
    openApi: async () => openApiDocument(parts.version),
  };
}

function describeKept({ rows, bytes, droppedRows }: { rows: number; bytes: number; droppedRows: number }) {
  return { rows, bytes, dropped_rows: droppedRows };
}

function describeSource({ kind, ok, lastOkAt, ageMs, problem, cached }: SourceHealth) {
  return {
    kind,
    ok,
    last_ok_at: lastOkAt === undefined ? null : isoTime(lastOkAt),
    age_ms: ageMs ?? null,
    problem: problem ?? null,
    cached,
  };
}

/** A status must be had while the database is away, too: that is when it is wanted most. */
async function askDatabase({ ownership }: AdminParts): Promise<{ ok: boolean; claimed: boolean }> {
  try {
    return { ok: true, claimed: (await ownership.owner()) !== undefined };
  } catch {
    return { ok: false, claimed: false };
  }
}
