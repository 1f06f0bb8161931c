import { isAbsolute } from "node:path";
import * as z from "zod";
import {
  confidential,
  duration,
  isBaseUrl,
  isHeaderName,
  isHeaderValue,
  isHost,
  isHostName,
  isKmsKey,
  isLoopback,
  isModelId,
  isName,
  isProviderId,
  isReference,
  isStorageUrl,
  isTransitKey,
  isWebOrigin,
  listOf,
  restart,
  text,
  wholeNumber,
} from "./fields.ts";
import { routes, translation } from "./route-schema.ts";

// What may stand in portcullis.yaml. This is the only place that declares a setting: names of environment
// variables, messages, `config explain`, `config print` and docs/reference/config.md are worked out from it.
// To add a setting, add it here and to `Config` in config.ts.

/** What the schema checks names against; config itself knows no dialect, provider or variable. */
export interface SchemaNames {
  /** Ids of the dialects a provider may speak. */
  readonly dialects: readonly string[];
  /** Ids of the predefined providers. */
  readonly providers: readonly string[];
}

/** Settings that a command-line flag may set, and the flag. */
export const flagNames = {
  "server.host": "--host",
  "server.port": "--port",
  "log.level": "--log-level",
} as const;

const server = z
  .strictObject({
    host: text(isHost, "an IP address or a host name, without a port")
      .default("127.0.0.1")
      .describe(
        "The address the gateway listens on. On anything but a loopback address it serves the data plane only; the admin plane then has a listener of its own (see `admin`), and the gateway must have an owner.",
      )
      .meta(restart),
    port: wholeNumber(0, 65_535)
      .default(8484)
      .describe("The port the gateway listens on; 0 picks a free one.")
      .meta(restart),
    allowed_hosts: listOf(isHostName, "host names", "a host name, without scheme, port or path")
      .default([])
      .describe(
        "Names that clients may reach the gateway by, besides its own address; a request with any other name in its Host header is refused.",
      )
      .meta({ example: ["ai.example.com", "gateway.lan"] }),
    allowed_origins: listOf(isWebOrigin, "web origins", "a web origin such as https://app.example.com, without a path")
      .default([])
      .describe(
        "Web pages that may call the gateway from a browser; requests with any other Origin header are refused.",
      )
      .meta({ example: ["https://app.example.com"] }),
    body_limit_bytes: wholeNumber(1_024, 1_073_741_824)
      .default(33_554_432)
      .describe("The largest request body accepted, in bytes."),
    head_timeout: duration("1s", "10m")
      .prefault("15s")
      .describe("How long a client may take to send the head of a request."),
    body_timeout: duration("1s", "1h")
      .prefault("1m")
      .describe("How long a client may take to send the body of a request."),
    body_min_rate: wholeNumber(0, 1_073_741_824)
      .default(500)
      .describe("The fewest bytes a second that the body of a request may come at, over 5 seconds; 0 for any."),
    write_timeout: duration("1s", "1h")
      .prefault("30s")
      .describe("How long a client may leave what was sent to it unread, before its connection is cut.")
      .meta(restart),
    max_connections: wholeNumber(1, 1_000_000)
      .default(16_384)
      .describe("Open connections of clients, at most; above it a new one is answered 503 and closed.")
      .meta(restart),
    max_connections_per_address: wholeNumber(1, 1_000_000)
      .default(8_192)
      .describe(
        "The same for one address (of IPv6: one /64 network), so that nobody takes all. A proxy in front counts as one address.",
      )
      .meta(restart),
    keep_alive: duration("1s", "1h").prefault("75s").describe("How long an idle connection of a client is kept open."),
    shutdown_delay: duration("0s", "1h")
      .prefault("0s")
      .describe(
        "How long requests are still taken after the gateway was told to stop, while `/readyz` says that it is not ready: time for a load balancer to notice.",
      ),
    drain: duration("0s", "1h")
      .prefault("30s")
      .describe("How long running requests may go on after the gateway was told to stop, before they are cut."),
  })
  .prefault({})
  .describe("The listener that clients call.");

const admin = z
  .strictObject({
    host: text(isLoopback, "a loopback address: 127.0.0.1, ::1 or localhost")
      .optional()
      .describe(
        "The loopback address of a listener of its own for the admin plane (127.0.0.1 if only `admin.port` is set).",
      )
      .meta({ ...restart, example: "127.0.0.1" }),
    port: wholeNumber(0, 65_535)
      .optional()
      .describe("The port of that listener (8485 if only `admin.host` is set); 0 picks a free one.")
      .meta({ ...restart, example: 8485 }),
  })
  .prefault({})
  .describe(
    "Where the admin API answers. With nothing set it shares the listener of `server` while that is a loopback address, and listens on 127.0.0.1:8485 otherwise. It never listens beyond this machine.",
  );

const storage = z
  .strictObject({
    url: text(isStorageUrl, "`sqlite:`, `sqlite:/absolute/path` or `postgres://user:password@host/database`")
      .default("sqlite:")
      .describe("The database. `sqlite:` alone is the file portcullis.db in the home directory.")
      .meta({ ...confidential, ...restart, example: "postgres://portcullis@db.lan/portcullis" }),
    backups: wholeNumber(1, 1_000)
      .default(5)
      .describe(
        "How many copies are kept in the directory backups of the home. One is made of an SQLite database before each upgrade of its schema.",
      )
      .meta(restart),
  })
  .prefault({})
  .describe("Where keys, settings, usage and the sealed vault are kept.");

const vault = z
  .strictObject({
    unlocker: z
      .enum(["auto", "key-file", "passphrase", "environment", "key-ring", "transit", "aws-kms"])
      .default("auto")
      .describe(
        "What unseals the vault at start: a key file, PORTCULLIS_PASSPHRASE, PORTCULLIS_ROOT_KEY, the key ring of the operating system, or the key that `vault.transit` or `vault.aws_kms` names. `auto` takes what is there; on a first start with nothing given it takes the key ring if that works, and makes a key file otherwise.",
      )
      .meta(restart),
    key_file: text(isAbsolute, "an absolute path")
      .optional()
      .describe("The file that holds the root key, if not root.key in the home directory.")
      .meta({ ...restart, example: "/run/credentials/portcullis/root.key" }),
    transit: text(isTransitKey, "a mount and a key, such as transit/portcullis")
      .optional()
      .describe(
        "A key of the Transit engine that can unseal the vault. HashiCorp Vault or OpenBao is found as for references, by `sources.vault_address` and what belongs to it.",
      )
      .meta({ ...restart, example: "transit/portcullis" }),
    aws_kms: text(isKmsKey, "the id, alias or ARN of a key, such as alias/portcullis")
      .optional()
      .describe(
        "A symmetric key of AWS KMS that can unseal the vault. AWS is found as for references, by `sources.aws_region` and what belongs to it.",
      )
      .meta({ ...restart, example: "alias/portcullis" }),
    store: z
      .enum(["database", "file"])
      .default("database")
      .describe(
        "Where a new vault lies: in the database, or in the file vault.json of the home. One that is there is moved with `portcullis vault move`.",
      )
      .meta(restart),
    cache: duration("0s", "24h")
      .prefault("5m")
      .describe("How long an opened provider key may stay in memory; `0s` opens it anew for every request.")
      .meta(restart),
    reveal: z
      .boolean()
      .default(false)
      .describe(
        "Whether admins may read stored values back over the API: on the gateway's own machine only, each time with an event in the audit log. Without it values go in and do not come out.",
      ),
  })
  .prefault({})
  .describe("The vault that provider keys are sealed in.");

const price = wholeNumber(0, 1_000_000_000_000);

const model = z.strictObject({
  name: text(isModelId, "a model id of 1 to 256 ASCII characters").describe("The id the provider knows the model by."),
  display_name: text(isName, "1 to 100 printable characters").optional().describe("A name for people."),
  context_tokens: wholeNumber(1, 1_000_000_000)
    .optional()
    .describe("The largest prompt and answer together, in tokens."),
  max_output_tokens: wholeNumber(1, 1_000_000_000).optional().describe("The longest answer, in tokens."),
  price_micros_per_mtok: z
    .strictObject({
      input: price.describe("For input tokens."),
      output: price.describe("For output tokens."),
      cache_read: price.optional().describe("For input tokens read from a cache."),
      cache_write: price.optional().describe("For input tokens written to a cache."),
      cache_write_1h: price.optional().describe("For input tokens written to a cache that lives for an hour."),
      reasoning: price.optional().describe("For output tokens that are reasoning."),
      input_audio: price.optional().describe("For input tokens that are audio."),
      output_audio: price.optional().describe("For output tokens that are audio."),
      input_image: price.optional().describe("For input tokens that are images."),
      output_image: price.optional().describe("For output tokens that are images."),
    })
    .optional()
    .describe("Its price: micro-dollars per million tokens (3 dollars are 3000000). Without one, its cost is unknown."),
  price_micros_per_unit: z
    .strictObject({
      image: price.optional().describe("For an image that is made."),
      million_characters: price.optional().describe("For a million characters that are spoken."),
      audio_hour: price
        .optional()
        .describe("For an hour of audio that is transcribed (60 times the price of a minute)."),
      thousand_searches: price.optional().describe("For a thousand search units of a reranker."),
    })
    .optional()
    .describe(
      "Its price by other units, in micro-dollars. If it has no price per token besides, its tokens cost nothing.",
    ),
});

/** What may stand under the id of one provider. */
export function providerSchema(names: SchemaNames) {
  const dialect = z.enum(names.dialects);
  return z.strictObject({
    base_url: text(isBaseUrl, "an address such as https://api.example.com, without user, query or fragment")
      .optional()
      .describe("Where it answers, up to the version segment. Needed unless the provider is predefined.")
      .meta({ example: "https://llm.example.com" }),
    dialect: dialect
      .optional()
      .describe(
        "The dialect it speaks. Without it, a provider of your own is taken to speak openai-chat, or anthropic-messages if its address says so.",
      ),
    dialects: z
      .array(dialect)
      .min(1)
      .optional()
      .describe("The dialects it speaks, if several; the first is preferred.")
      .meta({ expects: `a list of dialects, each one of ${names.dialects.join(", ")}` }),
    name: text(isName, "1 to 100 printable characters").optional().describe("A name for people."),
    allow_private: z
      .boolean()
      .optional()
      .describe("Whether the address may be on a private network and plain http: for an engine of your own."),
    api_key: text(
      isReference,
      "a reference, never the key itself: env:NAME, file:/absolute/path, vault:MOUNT/PATH#FIELD, aws:NAME, gcp:NAME, azure:VAULT/NAME or op:VAULT/ITEM/FIELD",
      "put the key into such a variable or file, or into the vault with `portcullis credentials add`",
    )
      .optional()
      .describe("Where its API key is found. Keys added with `portcullis credentials add` need no setting.")
      .meta({ ...confidential, example: "env:OPENAI_API_KEY" }),
    models: z
      .array(z.preprocess((value) => (typeof value === "string" ? { name: value } : value), model))
      .default([])
      .describe("Models it serves besides those of the catalog: ids, or mappings with price and limits.")
      .meta({ expects: "a list of model ids or of mappings with a `name`", example: ["llama3.3:70b"] }),
    headers: z
      .record(
        text(
          isHeaderName,
          "the name of an HTTP header that the gateway does not set itself; a key goes into `api_key`",
        ),
        text(isHeaderValue, "printable ASCII on one line"),
      )
      .default({})
      .describe("Headers added to every request to it; shown masked.")
      .meta({ ...confidential, expects: "a mapping of header names to text", example: { "x-team": "research" } }),
  });
}

const printable = (value: string): boolean => /^[\x21-\x7e]{1,256}$/.test(value);
const word = (): ReturnType<typeof text> => text(printable, "1 to 256 printable ASCII characters without spaces");
const absolutePath = (): ReturnType<typeof text> => text(isAbsolute, "an absolute path");
const address = (): ReturnType<typeof text> =>
  text(isBaseUrl, "an address such as https://vault.lan:8200, without user, query or fragment");

const sources = z
  .strictObject({
    cache: duration("1s", "24h")
      .prefault("5m")
      .describe("How long a value that was read is used. One that is in use is read again before that."),
    keep: duration("0s", "30d")
      .prefault("1h")
      .describe(
        "How long after it was read a value is still used while its source fails. One that the source says is not there any more is dropped at once.",
      ),
    timeout: duration("100ms", "1m").prefault("5s").describe("How long a source may take to answer."),
    ca_file: absolutePath()
      .optional()
      .describe(
        "The authorities (PEM) that vouch for HashiCorp Vault, OpenBao and 1Password Connect, if not the system's.",
      )
      .meta({ example: "/etc/portcullis/ca.pem" }),
    vault_address: address()
      .optional()
      .describe(
        "Where HashiCorp Vault or OpenBao answers; without it, VAULT_ADDR. Plain http only on a network of your own: whoever listens there reads everything.",
      )
      .meta({ example: "https://vault.lan:8200" }),
    vault_namespace: word()
      .optional()
      .describe("Its namespace; without it, VAULT_NAMESPACE.")
      .meta({ example: "team-ai" }),
    vault_auth: z
      .enum(["token", "approle", "kubernetes"])
      .default("token")
      .describe(
        "How the gateway logs in there: with VAULT_TOKEN or `sources.vault_token_file`; by AppRole, with `sources.vault_role_id` and VAULT_SECRET_ID or `sources.vault_secret_id_file`; or as a Kubernetes service account, with `sources.vault_role`.",
      ),
    vault_mount: word()
      .optional()
      .describe("The path of that auth method, if not the usual one (`approle`, `kubernetes`).")
      .meta({ example: "kubernetes-prod" }),
    vault_token_file: absolutePath()
      .optional()
      .describe("A file with the token, such as the sink of an agent. It is read anew when the token is refused.")
      .meta({ example: "/run/vault/token" }),
    vault_role: word().optional().describe("The role for `kubernetes`.").meta({ example: "portcullis" }),
    vault_role_id: word()
      .optional()
      .describe("The role id for `approle`.")
      .meta({ example: "59d6d1ca-47bb-4e7e-a40b-8be3bc5a0ba8" }),
    vault_secret_id_file: absolutePath()
      .optional()
      .describe("A file with the secret id for `approle`, if not VAULT_SECRET_ID.")
      .meta({ example: "/run/portcullis/secret-id" }),
    aws_region: word()
      .optional()
      .describe("The region of AWS Secrets Manager; without it, AWS_REGION or the profile's.")
      .meta({ example: "eu-central-1" }),
    aws_profile: word()
      .optional()
      .describe("The profile of the shared AWS files, if not AWS_PROFILE or `default`.")
      .meta({ example: "gateway" }),
    gcp_project: word()
      .optional()
      .describe("The Google Cloud project of names without one; without it, GOOGLE_CLOUD_PROJECT or the machine's own.")
      .meta({ example: "my-project" }),
    gcp_credentials_file: absolutePath()
      .optional()
      .describe(
        "The key file of a Google service account; without it, GOOGLE_APPLICATION_CREDENTIALS or the machine's own account.",
      )
      .meta({ example: "/run/portcullis/gcp.json" }),
    azure_vault_suffix: text(isHostName, "a host name")
      .default("vault.azure.net")
      .describe("What the host names of Azure key vaults end in; others in national clouds."),
    op_address: address()
      .optional()
      .describe("Where the 1Password Connect server answers; without it, OP_CONNECT_HOST.")
      .meta({ example: "http://127.0.0.1:8080" }),
    op_token_file: absolutePath()
      .optional()
      .describe("A file with the token for it, if not OP_CONNECT_TOKEN.")
      .meta({ example: "/run/portcullis/op-token" }),
  })
  .prefault({})
  .describe(
    "Secret stores elsewhere, which references such as `vault:secret/openai#api_key` lead to. See docs/sources.md.",
  );

const credentials = z
  .strictObject({
    test_every: duration("0s", "90d")
      .prefault("24h")
      .describe(
        "How often each stored provider key is tested with its provider, spread over that time; `0s` never. A test asks for the list of models or the like, which costs nothing.",
      ),
  })
  .prefault({})
  .describe("Provider keys that were added with `portcullis credentials add`.");

const keys = z
  .strictObject({
    expires: duration("1m", "3650d")
      .optional()
      .describe("How long a new key is valid if `keys create` does not say; without it, for ever.")
      .meta({ example: "90d" }),
  })
  .prefault({})
  .describe("Defaults of the keys handed out to callers.");

const usage = z
  .strictObject({
    journal_max_bytes: wholeNumber(1_048_576, 1_099_511_627_776)
      .default(1_073_741_824)
      .describe(
        "How much usage may wait in the journal while the database is away, in bytes; above it requests are refused.",
      )
      .meta(restart),
    keep_requests: duration("1h", "3650d")
      .prefault("30d")
      .describe("How long single requests are kept. Their sums by the hour outlast them."),
    keep_sums: duration("1h", "3650d")
      .prefault("400d")
      .describe("How long the sums are kept, which `portcullis usage` answers from."),
    requests_max_bytes: wholeNumber(16_777_216, 1_099_511_627_776)
      .default(1_073_741_824)
      .describe(
        "How much room single requests may take in the database, by estimate, in bytes; above it the oldest are deleted, whatever their age. An SQLite file does not shrink, but the room is used again.",
      ),
    include_stream_usage: z
      .boolean()
      .default(true)
      .describe(
        "Whether streamed OpenAI chat requests are made to report their usage where the client did not ask for it.",
      )
      .meta(restart),
  })
  .prefault({})
  .describe("How usage is recorded.");

const upstream = z
  .strictObject({
    connect_timeout: duration("100ms", "5m").prefault("10s").describe("How long connecting to a provider may take."),
    first_byte_timeout: duration("1s", "24h")
      .prefault("10m")
      .describe("How long a provider may take to begin its reply."),
    idle_timeout: duration("1s", "24h")
      .prefault("5m")
      .describe("How long a provider may fall silent in the middle of a reply."),
    max_connections: wholeNumber(1, 65_535)
      .default(4_096)
      .describe("Open connections to one address of a provider, at most. As many requests may wait for one."),
    queue_timeout: duration("1ms", "10m")
      .prefault("10s")
      .describe("How long a request may wait for one of these connections."),
  })
  .prefault({})
  .describe("Connections to providers.");

const log = z
  .strictObject({
    level: z
      .enum(["debug", "info", "warn", "error"])
      .default("info")
      .describe("The least important lines that are written."),
    format: z
      .enum(["auto", "pretty", "json"])
      .default("auto")
      .describe(
        "How lines are written: for people, or one JSON object each. `auto` is pretty on a terminal and json elsewhere.",
      ),
  })
  .prefault({})
  .describe("The operator's log, on standard error.");

/** The whole file. What must hold between several settings is in rules.ts. */
export function configSchema(names: SchemaNames) {
  const providers = z
    .record(
      text(
        isProviderId,
        "an id: 1 to 64 lower-case letters, digits, `.`, `-` and `_`, with a letter or digit at both ends",
      ),
      providerSchema(names),
    )
    .prefault({})
    .describe(
      "Providers of your own, and changes to predefined ones, by id. What is declared here cannot be changed over the API.",
    );
  return z.strictObject({
    server,
    admin,
    storage,
    vault,
    providers,
    routes,
    translation,
    sources,
    credentials,
    keys,
    usage,
    upstream,
    log,
  });
}

/** The file once parsed: durations in milliseconds, defaults filled in, names still those of the file. */
export type FileConfig = z.output<ReturnType<typeof configSchema>>;
