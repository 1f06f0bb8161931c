import type { endpoints, HandlersOf } from "@portcullis/contract";
import { isoTime, parseDurationMs, type Clock } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import { usd } from "../../kernel/money.ts";
import { keyIdIn, type IssuedKey, type KeyRecord } from "../../identity/index.ts";
import { getRequest, listRequests, summarize, type RequestRow } from "../../usage/index.ts";
import type { Call } from "../app.ts";
import type { AdminParts } from "../parts.ts";
import { settled } from "../usage-filter.ts";

/** How many requests `/spend/logs` lists, newest first. */
const mostLogs = 1_000;

interface Described {
  readonly key_alias?: string | null | undefined;
  readonly user_id?: string | null | undefined;
  readonly team_id?: string | null | undefined;
  readonly models?: readonly string[] | null | undefined;
  readonly duration?: string | null | undefined;
}

export function litellmHandlers(parts: AdminParts): HandlersOf<(typeof endpoints)["litellm"], Call> {
  return { ...keyHandlers(parts), spendLogs: ({ query }) => spendLogs(query, parts) };
}

function keyHandlers(parts: AdminParts): Omit<HandlersOf<(typeof endpoints)["litellm"], Call>, "spendLogs"> {
  const { keys, clock } = parts;
  const named = (text: string): KeyRecord => callersKey(text, parts);

  async function infoOf(record: KeyRecord) {
    const { data } = await summarize(parts.db, { by: "key", match: { key: record.id } });
    return describeKey(record, data[0]?.cost_usd ?? 0);
  }

  const regenerate = async (text: string) => generated(await keys.rotate(named(text).id, 0));

  return {
    generate: async ({ input }, { actor }) => {
      const lifeMs = typeof input.duration === "string" ? parseDurationMs(input.duration) : parts.defaults.keyLifeMs;
      const { user, team, description, models } = limitsOf(input);
      const expiresAt = lifeMs === undefined ? undefined : clock.now() + lifeMs;
      const made = { user, team, description, models };
      const given = Object.fromEntries(
        Object.entries(made).filter(([, value]) => value !== undefined && value !== null),
      );
      return generated(await keys.create({ kind: "caller", ...given, expiresAt }, actor));
    },
    info: async ({ query }) => {
      const record = named(query.key);
      return { key: record.id, info: await infoOf(record) };
    },
    list: async ({ query }) => {
      const found = keys.list().filter((record) => isWanted(record, query));
      const from = (query.page - 1) * query.size;
      return {
        keys: found.slice(from, from + query.size).map((record) => record.id),
        total_count: found.length,
        current_page: query.page,
        total_pages: Math.ceil(found.length / query.size),
      };
    },
    update: async ({ input }) => {
      const { id } = named(input.key);
      const record = await keys.update(id, { ...limitsOf(input), expiresAt: expiryOf(input.duration, clock) });
      return { key: id, ...(await infoOf(record)) };
    },
    remove: async ({ input }) => {
      const ids = input.keys.map((text) => named(text).id); // all are known, or none is deleted
      for (const id of ids) await keys.remove(id);
      return { deleted_keys: ids };
    },
    regenerate: ({ input }) => regenerate(input.key),
    regenerateNamed: ({ params }) => regenerate(params.key),
    block: async ({ input }) => {
      const record = await keys.disable(named(input.key).id);
      return { token: record.id, ...(await infoOf(record)) };
    },
    unblock: async ({ input }) => {
      const record = await keys.enable(named(input.key).id);
      return { token: record.id, ...(await infoOf(record)) };
    },
  };
}

type LogQuery = Readonly<
  Partial<Record<"request_id" | "api_key" | "user_id" | "start_date" | "end_date", string | undefined>>
>;

async function spendLogs(query: LogQuery, { db, usage }: AdminParts) {
  await settled(usage);
  if (query.request_id !== undefined) {
    const row = await getRequest(db, query.request_id);
    return row === undefined ? [] : [describeRow(row)];
  }
  const match = {
    ...(query.api_key !== undefined && { key: keyIdIn(query.api_key) ?? query.api_key }),
    ...(query.user_id !== undefined && { user: query.user_id }),
  };
  const { data } = await listRequests(db, { limit: mostLogs, match, ...spanOf(query) });
  return data.map(describeRow);
}

/** An admin's key is none of those that LiteLLM's scripts manage: its limits are kept by the admin API alone. */
function callersKey(text: string, { keys }: AdminParts): KeyRecord {
  const id = keyIdIn(text) ?? text;
  const record = keys.get(id);
  if (record.kind === "admin") throw new AppError("not_found", { what: "key", id });
  return record;
}

/** What is absent stays as it is; an empty list of models allows every one. */
function limitsOf({ key_alias, user_id, team_id, models }: Described) {
  return {
    description: key_alias,
    user: user_id,
    team: team_id,
    models: models?.length === 0 ? null : models,
  };
}

/** `undefined` leaves it, `null` is for ever. */
function expiryOf(duration: string | null | undefined, clock: Clock): number | null | undefined {
  if (duration === undefined || duration === null) return duration;
  const lifeMs = parseDurationMs(duration);
  if (lifeMs === undefined) throw new AppError("invalid_request", { problem: "`duration` must be like 30d" });
  return clock.now() + lifeMs;
}

function isWanted(
  record: KeyRecord,
  wanted: Readonly<Partial<Record<"user_id" | "team_id" | "key_alias", string | undefined>>>,
): boolean {
  if (record.kind === "admin") return false;
  const pairs = [
    [wanted.user_id, record.user],
    [wanted.team_id, record.team],
    [wanted.key_alias, record.description],
  ];
  return pairs.every(([asked, has]) => asked === undefined || asked === has);
}

const dayMs = 24 * 3_600_000;

/** Whole days, the last one included. */
function spanOf(query: LogQuery) {
  return {
    ...(query.start_date !== undefined && { since: Date.parse(query.start_date) }),
    ...(query.end_date !== undefined && { until: Date.parse(query.end_date) + dayMs }),
  };
}

function describeKey(record: KeyRecord, spend: number) {
  return {
    key_name: `pc_...${record.lastFour}`,
    key_alias: record.description,
    spend,
    expires: timeOrNull(record.expiresAt),
    models: [...(record.models ?? [])],
    user_id: record.user,
    team_id: record.team,
    blocked: record.disabledAt !== null,
    created_at: isoTime(record.createdAt),
    created_by: record.createdBy,
    metadata: {},
    max_budget: null,
    rpm_limit: null,
    tpm_limit: null,
  };
}

function generated({ record, text }: IssuedKey) {
  return { ...describeKey(record, 0), key: text.reveal(), token: record.id, token_id: record.id };
}

function describeRow(row: RequestRow) {
  const prompt = row.input_tokens + row.cache_read_tokens + row.cache_write_tokens + row.cache_write_1h_tokens;
  return {
    request_id: row.request_id,
    call_type: row.route,
    api_key: row.key_id,
    spend: row.cost_micros === null ? null : usd(row.cost_micros),
    total_tokens: prompt + row.output_tokens,
    prompt_tokens: prompt,
    completion_tokens: row.output_tokens,
    startTime: row.started_at,
    endTime: row.ended_at,
    model: row.model,
    custom_llm_provider: row.provider,
    user: row.user_name,
    team_id: row.team,
    session_id: row.session_id,
    status: row.outcome === "ok" ? "success" : "failure",
    metadata: {},
  };
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : isoTime(ms);
}
