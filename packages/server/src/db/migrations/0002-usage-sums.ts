import { hash } from "node:crypto";
import { sql, type RawBuilder, type Transaction } from "kysely";
import { columnAdder, tableCreator, type AddColumn, type CreateTable } from "./columns.ts";
import type { Migration } from "./migration.ts";

/** Usage beside text, sums by the hour that outlast the requests, and a count of the requests there are. */
export const usageSums: Migration = {
  number: 2,
  name: "usage-sums",
  async up(transaction, { engine }) {
    await addColumns(columnAdder(transaction, engine));
    await sql`create index requests_by_response on requests (response_id) where response_id is not null`.execute(
      transaction,
    );
    await createTables(tableCreator(transaction, engine));
    await sql`insert into requests_kept (id, rows, since, dropped_rows) select 1, count(*), 0, 0 from requests`.execute(
      transaction,
    );
    await sumUp(transaction);
  },
};

async function addColumns(add: AddColumn): Promise<void> {
  await add("requests", "response_id", "text?");
  const media =
    "input_audio_tokens output_audio_tokens input_image_tokens output_image_tokens images characters audio_ms searches";
  for (const name of media.split(" ")) await add("requests", name, "int64");
}

async function createTables(create: CreateTable): Promise<void> {
  const kept = { id: "integer", rows: "int64", since: "int64", dropped_rows: "int64" } as const;
  await create("requests_kept", kept, { primaryKey: ["id"] });
  const group = {
    id: "text",
    last_hour: "int64",
    key_id: "text?",
    user_name: "text?",
    team: "text?",
    service: "text?",
    route: "text",
    dialect: "text",
    provider: "text?",
    model: "text?",
    outcome: "text",
  } as const;
  await create("usage_groups", group, { primaryKey: ["id"] });
  const hourly = {
    hour: "int64",
    group_id: "text",
    requests: "int64",
    unpriced_requests: "int64",
    timed_requests: "int64",
    input_tokens: "int64",
    output_tokens: "int64",
    cache_read_tokens: "int64",
    cache_write_tokens: "int64",
    cache_write_1h_tokens: "int64",
    reasoning_tokens: "int64",
    input_audio_tokens: "int64",
    output_audio_tokens: "int64",
    input_image_tokens: "int64",
    output_image_tokens: "int64",
    images: "int64",
    characters: "int64",
    audio_ms: "int64",
    searches: "int64",
    cost_micros: "int64",
    latency_ms: "int64",
  } as const;
  await create("usage_hourly", hourly, { primaryKey: ["hour", "group_id"] });
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Sums up the requests that are there, a day at a time. */
async function sumUp(transaction: Transaction<never>): Promise<void> {
  for (let from = 0; ; from += dayMs) {
    const first = await sql<{ at: number | null }>`
      select min(started_at) as at from requests where started_at >= ${from}`.execute(transaction);
    const at = first.rows[0]?.at ?? null;
    if (at === null) return;
    from = at - (at % dayMs);
    for (const { hour, ...group } of await sumsOf(transaction, from)) await insertSums(transaction, hour, group);
  }
}

interface Group {
  readonly key_id: string | null;
  readonly user_name: string | null;
  readonly team: string | null;
  readonly service: string | null;
  readonly route: string;
  readonly dialect: string;
  readonly provider: string | null;
  readonly model: string | null;
  readonly outcome: string;
  readonly requests: number;
  readonly unpriced_requests: number;
  readonly timed_requests: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_write_tokens: number;
  readonly cache_write_1h_tokens: number;
  readonly reasoning_tokens: number;
  readonly cost_micros: number;
  readonly latency_ms: number;
}

async function sumsOf(transaction: Transaction<never>, from: number): Promise<(Group & { readonly hour: number })[]> {
  const { rows } = await sql<Group & { readonly hour: number }>`
    select hour, key_id, user_name, team, service, route, dialect, provider, model, outcome,
      count(*) as requests, count(*) - count(cost_micros) as unpriced_requests, count(latency_ms) as timed_requests,
      sum(input_tokens) as input_tokens, sum(output_tokens) as output_tokens,
      sum(cache_read_tokens) as cache_read_tokens, sum(cache_write_tokens) as cache_write_tokens,
      sum(cache_write_1h_tokens) as cache_write_1h_tokens, sum(reasoning_tokens) as reasoning_tokens,
      coalesce(sum(cost_micros), 0) as cost_micros, coalesce(sum(latency_ms), 0) as latency_ms
    from (
      select *, started_at - started_at % ${hourMs} as hour
      from requests where started_at >= ${from} and started_at < ${from + dayMs}
    ) as day
    group by hour, key_id, user_name, team, service, route, dialect, provider, model, outcome
    order by hour`.execute(transaction);
  return rows;
}

async function insertSums(transaction: Transaction<never>, hour: number, group: Group): Promise<void> {
  const { key_id, user_name, team, service, route, dialect, provider, model, outcome, ...sums } = group;
  const common = { key_id, user_name, team, service, route, dialect, provider, model, outcome };
  const id = hash("sha256", JSON.stringify(Object.values(common)), "base64url").slice(0, 22);
  await sql`insert into usage_groups ${row({ id, last_hour: hour, ...common })}
    on conflict (id) do update set last_hour = excluded.last_hour`.execute(transaction);
  const media = { input_audio_tokens: 0, output_audio_tokens: 0, input_image_tokens: 0, output_image_tokens: 0 };
  const units = { images: 0, characters: 0, audio_ms: 0, searches: 0 };
  await sql`insert into usage_hourly ${row({ hour, group_id: id, ...sums, ...media, ...units })}`.execute(transaction);
}

function row(values: Readonly<Record<string, string | number | null>>): RawBuilder<unknown> {
  const names = Object.keys(values).map((name) => sql.ref(name));
  return sql`(${sql.join(names)}) values (${sql.join(Object.values(values))})`;
}
