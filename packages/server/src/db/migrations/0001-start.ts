import { sql } from "kysely";
import { newId } from "../../kernel/ids.ts";
import { tableCreator, type CreateTable } from "./columns.ts";
import type { Migration } from "./migration.ts";

/** The first schema. Times are milliseconds, money is micro-dollars, JSON is text, booleans are 0 and 1. */
export const start: Migration = {
  number: 1,
  name: "start",
  async up(transaction, { engine, nowMs }) {
    const create = tableCreator(transaction, engine);
    await create("instance", { name: "text", value: "text" }, { primaryKey: ["name"] });
    await sql`insert into instance (name, value)
      values ('instance_id', ${newId("ins", nowMs)}), ('created_at', ${String(nowMs)})`.execute(transaction);
    await createVault(create);
    await createProviders(create);
    await createIdentity(create);
    await createUsage(create);
    await sql`create index requests_by_time on requests (started_at)`.execute(transaction);
    await sql`create index requests_by_key on requests (key_id, started_at)`.execute(transaction);
    await createAudit(create);
  },
};

const byId = { primaryKey: ["id"] } as const;

async function createVault(create: CreateTable): Promise<void> {
  const slot = {
    id: "text",
    kind: "text",
    label: "text",
    params: "text",
    wrapped: "bytes",
    created_at: "int64",
  } as const;
  await create("vault_slots", slot, byId);
  const term = { term: "integer", wrapped: "bytes", created_at: "int64" } as const;
  await create("vault_terms", term, { primaryKey: ["term"] });
  const record = {
    type: "text",
    id: "text",
    field: "text",
    version: "integer",
    kek_term: "integer",
    sealed: "bytes",
    origins: "text",
    updated_at: "int64",
  } as const;
  await create("sealed_records", record, { primaryKey: ["type", "id", "field"] });
}

async function createProviders(create: CreateTable): Promise<void> {
  const provider = {
    id: "text",
    name: "text",
    dialects: "text",
    base_url: "text",
    allow_private: "integer",
    custom: "integer",
    headers: "text?",
    created_at: "int64",
    updated_at: "int64",
  } as const;
  await create("providers", provider, byId);
  const model = {
    id: "text",
    provider_id: "text",
    model: "text",
    display_name: "text",
    price: "text?",
    context_tokens: "int64?",
    max_output_tokens: "int64?",
    source: "text",
    created_at: "int64",
  } as const;
  await create("provider_models", model, { ...byId, unique: ["provider_id", "model"] });
  const credential = {
    id: "text",
    provider_id: "text",
    label: "text",
    weight: "integer",
    priority: "integer",
    status: "text",
    last_four: "text",
    origins: "text",
    expires_at: "int64?",
    tested_at: "int64?",
    test_ok: "integer?",
    test_error: "text?",
    created_at: "int64",
    updated_at: "int64",
  } as const;
  await create("credentials", credential, byId);
}

async function createIdentity(create: CreateTable): Promise<void> {
  const key = {
    id: "text",
    kind: "text",
    hmac: "bytes",
    last_four: "text",
    previous_hmac: "bytes?",
    previous_until: "int64?",
    user_name: "text?",
    team: "text?",
    service: "text?",
    description: "text?",
    models: "text?",
    allow_ip: "text?",
    expires_at: "int64?",
    disabled_at: "int64?",
    created_at: "int64",
    created_by: "text",
  } as const;
  await create("keys", key, byId);
  await create("users", { id: "text", name: "text", role: "text", created_at: "int64" }, byId);
  await create("setup_codes", { id: "text", hash: "bytes", created_at: "int64", claimed_at: "int64?" }, byId);
}

async function createUsage(create: CreateTable): Promise<void> {
  const request = {
    request_id: "text",
    started_at: "int64",
    ended_at: "int64?",
    key_id: "text?",
    user_name: "text?",
    team: "text?",
    service: "text?",
    session_id: "text?",
    agent_id: "text?",
    route: "text",
    dialect: "text",
    provider: "text?",
    credential_id: "text?",
    requested_model: "text?",
    model: "text?",
    stream: "integer",
    status: "integer?",
    outcome: "text",
    error_code: "text?",
    usage_source: "text",
    input_tokens: "int64",
    output_tokens: "int64",
    cache_read_tokens: "int64",
    cache_write_tokens: "int64",
    cache_write_1h_tokens: "int64",
    reasoning_tokens: "int64",
    cost_micros: "int64?",
    latency_ms: "int64?",
    first_byte_ms: "int64?",
    request_bytes: "int64",
    response_bytes: "int64",
    attempts: "integer",
  } as const;
  await create("requests", request, { primaryKey: ["request_id"] });
}

async function createAudit(create: CreateTable): Promise<void> {
  const event = {
    seq: "int64",
    id: "text",
    at: "int64",
    actor: "text",
    action: "text",
    target: "text",
    detail: "text",
    previous_hash: "text",
    hash: "text",
  } as const;
  await create("audit_events", event, { primaryKey: ["seq"] });
}
