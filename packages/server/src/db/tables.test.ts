import assert from "node:assert/strict";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import type { Tables } from "./index.ts";

const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
const timeMs = Date.UTC(2026, 0, 31, 8, 0, 0, 1);

/** One row of each table with every column in it, and the largest integer that is still exact where a column may hold it. */
const rows: Tables = {
  instance: { name: "name", value: "" },
  vault_slots: { id: "slot", kind: "key-file", label: "é", params: "{}", wrapped: bytes, created_at: timeMs },
  vault_terms: { term: 2, wrapped: bytes, created_at: timeMs },
  sealed_records: {
    type: "credential",
    id: "cred_1",
    field: "value",
    version: 3,
    kek_term: 2,
    sealed: new Uint8Array(0),
    origins: '["https://api.provider.example:443"]',
    updated_at: timeMs,
  },
  providers: {
    id: "local",
    name: "Local 🦙",
    dialects: '["ollama"]',
    base_url: "http://127.0.0.1:11434",
    allow_private: 1,
    custom: 1,
    headers: null,
    created_at: timeMs,
    updated_at: timeMs,
  },
  provider_models: {
    id: "model_1",
    provider_id: "local",
    model: "llama3:8b",
    display_name: "Llama 3",
    price: null,
    context_tokens: Number.MAX_SAFE_INTEGER,
    max_output_tokens: null,
    source: "custom",
    created_at: timeMs,
  },
  credentials: {
    id: "cred_1",
    provider_id: "local",
    label: "main",
    weight: 1,
    priority: 0,
    status: "active",
    last_four: "wxyz",
    origins: "[]",
    expires_at: null,
    tested_at: timeMs,
    test_ok: 0,
    test_error: "401",
    created_at: timeMs,
    updated_at: timeMs,
  },
  keys: {
    id: "key_1",
    kind: "caller",
    hmac: bytes,
    last_four: "wxyz",
    previous_hmac: null,
    previous_until: null,
    user_name: "ada",
    team: null,
    service: null,
    description: "line one\nline two",
    models: '["claude-*"]',
    allow_ip: null,
    expires_at: timeMs,
    disabled_at: null,
    created_at: timeMs,
    created_by: "admin",
  },
  users: { id: "user_1", name: "ada", role: "owner", created_at: timeMs },
  setup_codes: { id: "code_1", hash: bytes, created_at: timeMs, claimed_at: null },
  requests: {
    request_id: "01jc0000000000000000000000",
    started_at: timeMs,
    ended_at: timeMs + 1,
    key_id: "key_1",
    user_name: "ada",
    team: "core",
    service: "chat",
    session_id: "session",
    agent_id: "agent",
    route: "/v1/messages",
    dialect: "anthropic-messages",
    provider: "local",
    credential_id: "cred_1",
    requested_model: "claude",
    model: "llama3:8b",
    stream: 1,
    status: 200,
    outcome: "ok",
    error_code: null,
    usage_source: "reported",
    input_tokens: Number.MAX_SAFE_INTEGER,
    output_tokens: 0,
    cache_read_tokens: 1,
    cache_write_tokens: 2,
    cache_write_1h_tokens: 3,
    reasoning_tokens: 4,
    cost_micros: Number.MAX_SAFE_INTEGER,
    latency_ms: 12,
    first_byte_ms: null,
    request_bytes: 2 ** 40,
    response_bytes: 0,
    attempts: 1,
  },
  audit_events: {
    seq: Number.MAX_SAFE_INTEGER,
    id: "event_1",
    at: timeMs,
    actor: "admin",
    action: "keys.create",
    target: "key_1",
    detail: "{}",
    previous_hash: "00",
    hash: "01",
  },
};

for (const database of databases) {
  test(`every table takes a whole row and gives it back unchanged (${database.name})`, {
    skip: database.skip,
  }, async () => {
    const { kysely } = await database.open();
    for (const [table, row] of Object.entries(rows) as [keyof Tables, Tables[keyof Tables]][]) {
      await kysely.deleteFrom(table).execute();
      await kysely.insertInto(table).values(row).execute();
      assert.deepEqual(await kysely.selectFrom(table).selectAll().execute(), [row], table);
    }
  });
}
