import type {
  AuditEvent,
  Credential,
  IssuedKey,
  Key,
  Provider,
  RequestRow,
  Status,
  UsageRow,
} from "@portcullis/contract";

// One plausible thing of each kind, for tests to change.

const at = "2026-01-31T08:00:00.000Z";

export const key: Key = {
  id: "k7f3q",
  kind: "caller",
  last_four: "9xyz",
  user: "ada",
  team: null,
  service: null,
  description: null,
  models: null,
  allow_ip: null,
  status: "active",
  expires_at: null,
  previous_valid_until: null,
  created_at: at,
  created_by: "admin.token",
};

export const issuedKey: IssuedKey = { ...key, key: "pc_k7f3q_secret_crc" };

export const credential: Credential = {
  id: "cred_1",
  provider: "openai",
  label: "default",
  weight: 1,
  priority: 0,
  status: "active",
  last_four: "4242",
  origins: ["https://api.openai.com:443"],
  expires_at: null,
  tested_at: null,
  test_ok: null,
  test_error: null,
  created_at: at,
  updated_at: at,
};

export const provider: Provider = {
  id: "openai",
  name: "openai",
  display_name: "OpenAI",
  base_url: "https://api.openai.com",
  dialect: "openai-responses",
  dialects: ["openai-responses", "openai-chat"],
  allow_private: false,
  custom: false,
  has_api_key: false,
  models: [],
  health: "unknown",
  created_at: null,
  updated_at: null,
};

export const status: Status = {
  version: "1.2.3",
  started_at: at,
  uptime_seconds: 60,
  claimed: true,
  vault: "unsealed",
  database: { engine: "sqlite", ok: true },
  journal: { ok: true, waiting_rows: 0, bytes: 0, problem: null },
  providers_with_keys: ["openai"],
};

export const usageRow: UsageRow = {
  model: "gpt-5",
  requests: 3,
  errors: 1,
  input_tokens: 1000,
  output_tokens: 200,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  reasoning_tokens: 0,
  cost_usd: 0.0123,
  unpriced_requests: 0,
};

export const requestRow: RequestRow = {
  request_id: "01jreq",
  started_at: at,
  ended_at: at,
  key_id: "k7f3q",
  user: "ada",
  team: null,
  service: null,
  session_id: null,
  agent_id: null,
  route: "/v1/messages",
  dialect: "anthropic-messages",
  provider: "anthropic",
  credential_id: "cred_1",
  requested_model: "claude-sonnet-5",
  model: "claude-sonnet-5",
  stream: true,
  status: 200,
  outcome: "ok",
  error_code: null,
  usage_source: "reported",
  input_tokens: 10,
  output_tokens: 20,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  cache_write_1h_tokens: 0,
  reasoning_tokens: 0,
  cost_micros: 1234,
  latency_ms: 800,
  first_byte_ms: 90,
  request_bytes: 100,
  response_bytes: 200,
  attempts: 1,
};

export const auditEvent: AuditEvent = {
  seq: 1,
  id: "aud_1",
  at,
  actor: "admin.token",
  action: "keys.create",
  target: "k7f3q",
  detail: { user: "ada" },
  hash: "00",
};
