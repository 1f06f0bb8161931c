/** What is fixed about an error by its code alone. */
export interface ErrorSpec {
  /** The HTTP status this code is answered with. */
  readonly status: number;
  /** The level the operator's log shows it at. */
  readonly level: "info" | "warn" | "error";
  /** What is wrong, in the caller's words; `{name}` is filled in. */
  readonly message: string;
  /** What to do or type next. */
  readonly hint?: string;
  /** Seconds after which the same request may succeed, if that is known beforehand. */
  readonly retryAfterSeconds?: number;
}

/** Every error of the product. `docs/reference/errors.md` is generated from this table. */
export const errorCodes = {
  // 400: the request itself
  invalid_request: { status: 400, level: "info", message: "{problem}" },
  invalid_json: { status: 400, level: "info", message: "the request body is not valid JSON: {problem}" },
  invalid_form: { status: 400, level: "info", message: "the request body is not a valid form: {problem}" },
  missing_field: { status: 400, level: "info", message: "the field `{field}` is required" },
  unsupported_media_type: {
    status: 415,
    level: "info",
    message: "the request body must be {wanted}, not {got}",
    hint: "send the header `content-type: {wanted}`",
  },
  content_encoding_unsupported: {
    status: 415,
    level: "info",
    message: "the request body came compressed ({encoding}), and only plain bodies are read here",
    hint: "send the body as it is, without the header `content-encoding`",
  },
  expectation_failed: {
    status: 417,
    level: "info",
    message: "the header `expect: {expectation}` cannot be met",
    hint: "the only expectation there is here is `100-continue`",
  },
  translation_needed: {
    status: 400,
    level: "info",
    message: "the model `{model}` is served by {provider}, which does not speak {dialect}",
    hint: "{advice}",
  },
  ambiguous_model: {
    status: 400,
    level: "info",
    message: "the model `{model}` is served by several providers: {providers}",
    hint: "ask for one of them as `provider/{model}`",
  },
  // 401, 403
  missing_key: {
    status: 401,
    level: "info",
    message: "no Portcullis key was sent",
    hint: "send a key as `Authorization: Bearer pc_…` or `x-api-key: pc_…`; make one with `portcullis keys create`",
  },
  invalid_key: {
    status: 401,
    level: "info",
    message: "the key is not a valid Portcullis key",
    hint: "check that it was copied whole; list keys with `portcullis keys list`",
  },
  key_expired: {
    status: 401,
    level: "info",
    message: "the key {id} expired on {when}",
    hint: "make a new one with `portcullis keys rotate {id}`",
  },
  key_disabled: {
    status: 401,
    level: "info",
    message: "the key {id} is disabled",
    hint: "enable it with `portcullis keys enable {id}`",
  },
  admin_required: {
    status: 401,
    level: "info",
    message: "this address needs an admin token",
    hint: "set PORTCULLIS_ADMIN_TOKEN, or run on the machine that holds admin.token",
  },
  model_not_allowed: {
    status: 403,
    level: "info",
    message: "the key {id} may not use the model `{model}`",
    hint: "its models are: {allowed}",
  },
  engine_action_refused: {
    status: 403,
    level: "info",
    message: "{action} is up to whoever runs the engine, and not done through this gateway",
    hint: "ask them, or do it at the engine's own address",
  },
  passthrough_not_allowed: {
    status: 403,
    level: "info",
    message: "the key {id} may not call the provider {provider} by its own addresses",
    hint: "an admin can allow it with `portcullis keys update {id} --passthrough {provider}`",
  },
  service_not_allowed: { status: 403, level: "info", message: "the key {id} is for the service `{service}` only" },
  address_not_allowed: { status: 403, level: "info", message: "the key {id} may not be used from {address}" },
  host_not_allowed: {
    status: 403,
    level: "warn",
    message: "the Host `{host}` is not one this gateway answers to",
    hint: "add it to `server.allowed_hosts` in portcullis.yaml",
  },
  origin_not_allowed: {
    status: 403,
    level: "warn",
    message: "requests from the web origin `{origin}` are not allowed",
    hint: "add it to `server.allowed_origins` in portcullis.yaml",
  },
  setup_code_invalid: {
    status: 403,
    level: "warn",
    message: "the setup code is not valid",
    hint: "it is printed by `portcullis serve` at its first start; `portcullis setup` on the same machine needs none",
  },
  reveal_disabled: {
    status: 403,
    level: "info",
    message: "stored values are not shown here",
    hint: "set `vault.reveal: true` in portcullis.yaml; then an admin on the gateway's own machine can read them",
  },
  reveal_not_local: {
    status: 403,
    level: "warn",
    message: "stored values are shown on the gateway's own machine only",
    hint: "ask there, at its loopback address (127.0.0.1) and through no proxy",
  },
  reveal_not_permitted: {
    status: 403,
    level: "warn",
    message: "`{actor}` does not have the permission credentials:reveal",
    hint: "use the admin token or an admin key",
  },
  // 404, 405, 409
  not_found: { status: 404, level: "info", message: "there is no {what} `{id}`" },
  route_not_found: { status: 404, level: "info", message: "there is nothing at {method} {path}" },
  model_not_found: {
    status: 404,
    level: "info",
    message: "no provider here serves the model `{model}`",
    hint: "ask for it as `provider/{model}`, or list what there is with `GET /v1/models`",
  },
  method_not_allowed: { status: 405, level: "info", message: "{path} does not take {method}; it takes {allowed}" },
  already_claimed: { status: 409, level: "info", message: "this instance already has an owner" },
  provider_exists: { status: 409, level: "info", message: "a provider named `{id}` exists already" },
  provider_predefined: {
    status: 409,
    level: "info",
    message: "the provider `{id}` comes with Portcullis and cannot be deleted",
  },
  model_exists: { status: 409, level: "info", message: "the provider `{provider}` has a model `{model}` already" },
  model_predefined: {
    status: 409,
    level: "info",
    message: "the model `{model}` comes with Portcullis and cannot be deleted",
  },
  provider_test_failed: {
    status: 400,
    level: "info",
    message: "{problem}",
    hint: "nothing was changed; mend that, or leave out the test (`--no-test`)",
  },
  key_reentry_needed: {
    status: 409,
    level: "info",
    message: "the keys of `{id}` are sealed to its present address and go to no other",
    hint: "give the API key again with the new address: `portcullis providers update {id} --base-url URL --read-key`, or `api_key` beside `base_url`",
  },
  provider_declared: {
    status: 409,
    level: "info",
    message: "`{id}` is declared in {file} and read-only here",
    hint: "change it in the file",
  },
  // 413, 429, 431
  body_too_large: { status: 413, level: "info", message: "the request body is larger than {limit} bytes" },
  body_too_deep: { status: 400, level: "info", message: "the request body is nested deeper than {limit} levels" },
  target_too_long: { status: 414, level: "info", message: "the request target is longer than {limit} bytes" },
  head_too_large: { status: 431, level: "info", message: "the request head is too large" },
  head_timeout: { status: 408, level: "info", message: "the request head did not arrive in time" },
  body_timeout: { status: 408, level: "info", message: "the request body did not arrive within {seconds} s" },
  body_too_slow: {
    status: 408,
    level: "info",
    message: "the request body came slower than {rate} bytes a second",
  },
  // 5xx: ours
  internal: {
    status: 500,
    level: "error",
    message: "an internal error; the operator's log has it under this request id",
  },
  vault_sealed: {
    status: 503,
    level: "warn",
    message: "the vault is sealed",
    hint: "unseal it with `portcullis vault unseal`",
    retryAfterSeconds: 5,
  },
  too_many_connections: {
    status: 503,
    level: "warn",
    message: "there are too many connections open to this gateway{whose}",
    hint: "close some, or raise `server.{setting}` in portcullis.yaml",
    retryAfterSeconds: 1,
  },
  uploads_busy: {
    status: 503,
    level: "warn",
    message: "there are too many uploads under way",
    retryAfterSeconds: 2,
  },
  upload_not_stored: {
    status: 503,
    level: "error",
    message: "the upload cannot be stored at the moment",
    hint: "the operator's log says why; a full disk is the usual reason",
    retryAfterSeconds: 5,
  },
  draining: { status: 503, level: "info", message: "this gateway is shutting down", retryAfterSeconds: 2 },
  journal_unavailable: {
    status: 503,
    level: "error",
    message: "usage cannot be recorded at the moment, so no request is accepted",
    hint: "the operator's log says why; a full disk is the usual reason",
    retryAfterSeconds: 5,
  },
  database_unavailable: { status: 503, level: "error", message: "the database does not answer", retryAfterSeconds: 5 },
  // 5xx: upstream
  no_credential: {
    status: 503,
    level: "warn",
    message: "there is no API key for {provider}",
    hint: "add one with `portcullis credentials add {provider}`",
  },
  key_source_failed: {
    status: 503,
    level: "warn",
    message: "the API key for {provider} cannot be read from where it is kept",
    hint: "an admin sees the cause in `portcullis status`",
    retryAfterSeconds: 5,
  },
  upstream_busy: {
    status: 503,
    level: "warn",
    message: "all connections to {provider} are in use",
    hint: "try again; if it goes on, raise `upstream.max_connections`",
    retryAfterSeconds: 1,
  },
  upstream_unreachable: { status: 502, level: "warn", message: "{provider} could not be reached" },
  upstream_forbidden: {
    status: 502,
    level: "warn",
    message: "the address of {provider} is not one this gateway may connect to",
    hint: "for an engine on your own network, set `allow_private` on the provider",
  },
  upstream_broke: { status: 502, level: "warn", message: "{provider} broke off its reply" },
  upstream_unreadable: {
    status: 502,
    level: "warn",
    message: "{provider} answered with something that cannot be read",
  },
  upstream_error: { status: 502, level: "warn", message: "{provider} answered with an error page (status {status})" },
  upstream_redirected: {
    status: 502,
    level: "warn",
    message: "{provider} answered with a redirect, which is not followed",
  },
  upstream_refused_key: {
    status: 502,
    level: "error",
    message: "{provider} does not accept the API key this gateway holds for it",
    hint: "test it with `portcullis credentials test {credential}`",
  },
  event_too_large: { status: 502, level: "warn", message: "a streamed reply holds an event larger than {limit} bytes" },
  upstream_timeout: { status: 504, level: "warn", message: "{provider} did not answer within {seconds} s" },
  // the vault and the files around it (start-up and admin plane)
  vault_cannot_open: { status: 403, level: "warn", message: "the vault cannot be unsealed with what was given" },
  vault_record_unreadable: { status: 500, level: "error", message: "the sealed record {id} cannot be opened" },
  vault_unlocker_unavailable: { status: 503, level: "warn", message: "{problem}", hint: "{advice}" },
  vault_no_slot: {
    status: 409,
    level: "warn",
    message: "there is no {kind} slot on this vault",
    hint: "see `portcullis vault slots list`",
  },
  vault_last_slot: {
    status: 409,
    level: "info",
    message: "this is the last unlock slot; removing it would lock the vault for good",
  },
  vault_key_missing: {
    status: 500,
    level: "error",
    message: "this database holds a sealed vault, but {what}",
    hint: "{advice}",
  },
  vault_origin_refused: {
    status: 503,
    level: "error",
    message: "the key {id} is not sealed for {origin}",
    hint: "give the key again for this address with `portcullis credentials rotate {id}`",
  },
  vault_root_staged: {
    status: 409,
    level: "info",
    message: "a new root key of the vault is staged, and until that is settled its keys and slots stay as they are",
    hint: "put it in force with `portcullis vault rotate root --confirm`, or give it up with `--cancel`",
  },
  vault_root_not_staged: {
    status: 409,
    level: "info",
    message: "no new root key of the vault is staged",
    hint: "stage one with `portcullis vault rotate root`",
  },
  vault_slots_left: {
    status: 409,
    level: "warn",
    message: "these unlock slots cannot be made anew with what is at hand: {slots}",
    hint: "give the passphrase or key of each, or name it as one to drop",
  },
  vault_root_replaced: {
    status: 503,
    level: "error",
    message: "another instance has given the vault a new root key, and this one cannot open it by itself",
    hint: "unseal this instance again with `portcullis vault unseal`",
  },
  vault_moving: {
    status: 503,
    level: "warn",
    message: "the vault is being moved to another place, so nothing in it can be changed",
    hint: "try again in a moment; if that move was broken off, a restart of the gateway settles it",
    retryAfterSeconds: 2,
  },
  vault_moved: {
    status: 503,
    level: "error",
    message: "the vault was moved to another place while this gateway ran",
    hint: "restart this gateway, so that it looks there",
  },
  file_failed: { status: 500, level: "error", message: "{path} could not be {verb}: {problem}" },
  file_unsafe: { status: 500, level: "error", message: "{path} {problem}", hint: "{fix}" },
  home_in_use: {
    status: 500,
    level: "error",
    message: "another Portcullis (process {pid}) already runs on {home}",
    hint: "stop it first, or choose another home with --home",
  },
  store_conflict: {
    status: 409,
    level: "info",
    message: "the {what} was changed by someone else meanwhile",
    hint: "read it again and retry",
  },
  config_invalid: { status: 400, level: "error", message: "{problem}", hint: "{advice}" },
  config_needs_restart: {
    status: 409,
    level: "error",
    message: "{problem}",
    hint: "restart the gateway to put that in force, or take the change back",
  },
  instance_unclaimed: {
    status: 500,
    level: "error",
    message: "this gateway has no owner yet, so it does not listen on {host}, where others reach it",
    hint: "start it once with `--host 127.0.0.1` and claim it with `portcullis setup`",
  },
  port_in_use: {
    status: 500,
    level: "error",
    message: "port {port} on {host} is already in use",
    hint: "stop the other program, or choose another with --port",
  },
  database_newer: {
    status: 500,
    level: "error",
    message: "the database was written by a newer Portcullis (schema {found}, this one knows {known})",
    hint: "install that version, or restore a backup made before the upgrade",
  },
  backup_failed: {
    status: 500,
    level: "error",
    message: "the database could not be copied to {path}, so it was not upgraded: {problem}",
    hint: "make room there, or copy the database yourself with `portcullis db backup` on the earlier version",
  },
  backup_cannot_open: {
    status: 403,
    level: "warn",
    message: "the backup {file} cannot be opened with what was given",
    hint: "give the passphrase it was made with, or an identity (`--identity FILE`) of one of its recipients",
  },
  backup_unreadable: {
    status: 400,
    level: "error",
    message: "the backup {file} cannot be used: {problem}",
    hint: "{advice}",
  },
  backup_incomplete: {
    status: 502,
    level: "error",
    message: "the gateway broke off the backup, so {file} was not written",
    hint: "the gateway's log says why; try again",
  },
  restore_target_used: {
    status: 409,
    level: "error",
    message: "{where} holds something already, and a backup is restored into an empty place only",
    hint: "{advice}",
  },
  database_unreadable: {
    status: 500,
    level: "error",
    message: "{name} is damaged, or is not a SQLite database",
    hint: "restore a backup of it, or name another file in `storage.url`",
  },
  // services besides the providers: secret stores, key management, clouds
  external_unreachable: { status: 503, level: "warn", message: "{host} could not be reached: {problem}" },
  external_timeout: { status: 504, level: "warn", message: "{host} did not answer within {seconds} s" },
  external_refused: {
    status: 502,
    level: "error",
    message: "{host} refused {what} (status {status}{reason})",
    hint: "check what this gateway proves itself with there, and what that may read",
  },
  external_not_found: {
    status: 502,
    level: "warn",
    message: "{host} has nothing for {what} (status {status}{reason})",
  },
  external_failed: { status: 502, level: "warn", message: "{host} failed {what} (status {status}{reason})" },
  external_unreadable: {
    status: 502,
    level: "warn",
    message: "{host} answered {what} with something that cannot be read: {problem}",
  },
  external_unconfigured: { status: 400, level: "error", message: "{problem}", hint: "{advice}" },
  reference_invalid: {
    status: 400,
    level: "info",
    message: "{problem}",
    hint: "a reference says where a secret lies, such as `env:OPENAI_API_KEY` or `vault:secret/openai#api_key`",
  },
  source_failed: {
    status: 503,
    level: "error",
    message: "the value of `{reference}` cannot be read: {problem}",
    hint: "see `portcullis status` for the state of the sources",
    retryAfterSeconds: 5,
  },
  // the command line
  import_unreadable: {
    status: 400,
    level: "info",
    message: "{source} cannot be imported: {problem}",
    hint: "{advice}",
  },
  wrong_usage: { status: 400, level: "info", message: "{problem}", hint: "{advice}" },
  program_not_found: {
    status: 404,
    level: "info",
    message: "there is no program `{program}` here",
    hint: "install it, or check that it is on PATH",
  },
  gateway_not_started: {
    status: 500,
    level: "error",
    message: "the gateway did not start: {problem}",
    hint: "start it with `portcullis serve` to see why",
  },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof errorCodes;
