/**
 * The shape of every table, as Kysely reads and writes it. Column names are the SQL names. A table is named only by the
 * module it is listed under; other modules ask that module.
 *
 * The same types hold on both engines: 64-bit integers are numbers (one that does not fit a JavaScript number exactly is
 * an error, never rounded), bytes are read as plain `Uint8Array`, and text sorts by code point.
 */
export interface Tables {
  // db
  instance: InstanceTable;
  // vault
  vault_slots: VaultSlotsTable;
  vault_terms: VaultTermsTable;
  sealed_records: SealedRecordsTable;
  vault_named_keys: VaultNamedKeysTable;
  vault_state: VaultStateTable;
  // providers
  providers: ProvidersTable;
  provider_models: ProviderModelsTable;
  credentials: CredentialsTable;
  // identity
  keys: KeysTable;
  users: UsersTable;
  setup_codes: SetupCodesTable;
  // usage
  requests: RequestsTable;
  requests_kept: RequestsKeptTable;
  usage_groups: UsageGroupsTable;
  usage_hourly: UsageHourlyTable;
  // audit
  audit_events: AuditEventsTable;
  // routing
  routes: RoutesTable;
  // imports
  imported_items: ImportedItemsTable;
}

/** Milliseconds since 1970-01-01 UTC. */
type TimeMs = number;
/** A JSON document as text; the owner of the table parses it. */
type JsonText = string;
/** A boolean. */
type Flag = 0 | 1;

/** Facts about this installation by name: `instance_id`, `created_at` (milliseconds, as text). */
export interface InstanceTable {
  name: string;
  value: string;
}

/** Each slot holds the root key, wrapped by one unlocker. */
export interface VaultSlotsTable {
  id: string;
  kind: string;
  label: string;
  params: JsonText;
  wrapped: Uint8Array;
  created_at: TimeMs;
}

/** Key-encryption keys by term, wrapped by the root key. */
export interface VaultTermsTable {
  term: number;
  wrapped: Uint8Array;
  created_at: TimeMs;
}

/** Sealed values. `kek_term` and `origins` repeat what the sealed bytes are bound to, so that a rotation can find them. */
export interface SealedRecordsTable {
  type: string;
  id: string;
  field: string;
  version: number;
  kek_term: number;
  sealed: Uint8Array;
  origins: JsonText;
  updated_at: TimeMs;
}

/** Keys with a purpose of their own (the pepper of callers' keys, for one) by version, wrapped by the root key. */
export interface VaultNamedKeysTable {
  purpose: string;
  version: number;
  wrapped: Uint8Array;
  created_at: TimeMs;
}

/** Facts about the vault by name: `epoch` of its root key, `staged_root` (JSON). */
export interface VaultStateTable {
  name: string;
  value: string;
}

/** Custom providers, and predefined ones whose address was changed. */
export interface ProvidersTable {
  id: string;
  name: string;
  dialects: JsonText;
  base_url: string;
  allow_private: Flag;
  custom: Flag;
  headers: JsonText | null;
  created_at: TimeMs;
  updated_at: TimeMs;
}

/** Models beyond the catalog's. (provider_id, model) is unique. */
export interface ProviderModelsTable {
  id: string;
  provider_id: string;
  model: string;
  display_name: string;
  price: JsonText | null;
  context_tokens: number | null;
  max_output_tokens: number | null;
  source: "custom" | "refreshed";
  created_at: TimeMs;
}

/** What is known about a provider's API key; the key itself is a sealed record. */
export interface CredentialsTable {
  id: string;
  provider_id: string;
  label: string;
  weight: number;
  priority: number;
  status: "active" | "disabled" | "failing" | "rolled_back";
  last_four: string;
  origins: JsonText;
  expires_at: TimeMs | null;
  tested_at: TimeMs | null;
  test_ok: Flag | null;
  test_error: string | null;
  /** Where the key is read from (`vault:…`, `aws:…`), if it is not in the vault. */
  reference: string | null;
  created_at: TimeMs;
  updated_at: TimeMs;
}

/** Keys of callers and administrators, as digests. */
export interface KeysTable {
  id: string;
  kind: "caller" | "admin";
  hmac: Uint8Array;
  last_four: string;
  previous_hmac: Uint8Array | null;
  previous_until: TimeMs | null;
  user_name: string | null;
  team: string | null;
  service: string | null;
  description: string | null;
  models: JsonText | null;
  allow_ip: JsonText | null;
  passthrough: JsonText | null;
  /** Of the pepper that `hmac` was made with; and of the one that `previous_hmac` was. */
  pepper_version: number;
  previous_pepper_version: number;
  expires_at: TimeMs | null;
  disabled_at: TimeMs | null;
  created_at: TimeMs;
  created_by: string;
}

export interface UsersTable {
  id: string;
  name: string;
  role: string;
  created_at: TimeMs;
}

export interface SetupCodesTable {
  id: string;
  hash: Uint8Array;
  created_at: TimeMs;
  claimed_at: TimeMs | null;
}

/** One row per request. An unknown price is null, never zero. */
export interface RequestsTable {
  request_id: string;
  started_at: TimeMs;
  ended_at: TimeMs | null;
  key_id: string | null;
  user_name: string | null;
  team: string | null;
  service: string | null;
  session_id: string | null;
  agent_id: string | null;
  route: string;
  dialect: string;
  provider: string | null;
  credential_id: string | null;
  requested_model: string | null;
  model: string | null;
  stream: Flag;
  status: number | null;
  outcome: string;
  error_code: string | null;
  usage_source: string;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  cache_write_1h_tokens: number;
  reasoning_tokens: number;
  cost_micros: number | null;
  latency_ms: number | null;
  first_byte_ms: number | null;
  request_bytes: number;
  response_bytes: number;
  attempts: number;
  /** What the provider keeps the reply under, where it can be asked for again. */
  response_id: string | null;
  input_audio_tokens: number;
  output_audio_tokens: number;
  input_image_tokens: number;
  output_image_tokens: number;
  images: number;
  characters: number;
  audio_ms: number;
  searches: number;
  /** What the provider was asked in. Another one than `dialect` if the request was translated; null if nothing is known of it. */
  upstream_dialect: string | null;
  /** What the translation left out or changed: `[["temperature","dropped"],…]`. */
  dropped: JsonText | null;
}

/** One row (`id` 1): how much of `requests` there is, changed in the same transactions as that table. */
export interface RequestsKeptTable {
  id: 1;
  rows: number;
  /** Of what started before this, rows were deleted. 0 if none ever were. */
  since: TimeMs;
  /** Rows that were deleted because the table had reached its limit, and not because of their age. */
  dropped_rows: number;
}

/** What the requests of one sum have in common. `id` is a digest of the rest (but for `last_hour`). */
export interface UsageGroupsTable {
  id: string;
  /** The newest hour that has a sum of this group. */
  last_hour: TimeMs;
  key_id: string | null;
  user_name: string | null;
  team: string | null;
  service: string | null;
  route: string;
  dialect: string;
  provider: string | null;
  model: string | null;
  outcome: string;
}

/** Sums over the requests of a group that started in the hour that begins at `hour`. They outlast the requests. */
export interface UsageHourlyTable {
  hour: TimeMs;
  group_id: string;
  requests: number;
  /** Those whose cost is not known, and not in `cost_micros`. */
  unpriced_requests: number;
  /** Those with a latency; `latency_ms` is its sum. */
  timed_requests: number;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  cache_write_1h_tokens: number;
  reasoning_tokens: number;
  input_audio_tokens: number;
  output_audio_tokens: number;
  input_image_tokens: number;
  output_image_tokens: number;
  images: number;
  characters: number;
  audio_ms: number;
  searches: number;
  cost_micros: number;
  latency_ms: number;
}

/** Append-only; each row's hash covers its predecessor's. */
export interface AuditEventsTable {
  seq: number;
  id: string;
  at: TimeMs;
  actor: string;
  action: string;
  target: string;
  detail: JsonText;
  previous_hash: string;
  hash: string;
}

/** Names that callers may ask for in place of a model. Of `targets` and `tiers` exactly one is given. */
export interface RoutesTable {
  name: string;
  /** A list of `provider/model`. */
  targets: JsonText | null;
  /** `provider/model` by tier. */
  tiers: JsonText | null;
  lossy: "allow" | "deny" | null;
  display_name: string | null;
  created_at: TimeMs;
  updated_at: TimeMs;
}

/** Each item that an import brought, by a keyed digest of where it came from and what it says. */
export interface ImportedItemsTable {
  fingerprint: string;
  kind: string;
  target_id: string;
  imported_at: TimeMs;
}
