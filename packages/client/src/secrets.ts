import { endpoints, secretName, variablesOf, type NamedSecret } from "@portcullis/contract";
import { createClient, type Client, type ClientOptions } from "./client.ts";
import { PortcullisError } from "./error.ts";

/*
 * A secret is looked for in this order: set in this process, the vault, the environment, the defaults. The first place
 * that has it wins.
 *
 * A vault that cannot be asked (no gateway, no permission, sealed) does not end the search, since a program may well carry
 * on with its environment; but it is never passed over in silence: `find` says so beside the value, and where nothing
 * else has the secret, the search fails with what the vault said and not with "there is none".
 *
 * Nothing is kept but what was set here: each search asks the vault anew. Nothing is stored anywhere but in the vault.
 */

export interface SecretsOptions extends Omit<ClientOptions, "baseUrl"> {
  /** Where the gateway answers; the variable PORTCULLIS_URL unless given, and http://127.0.0.1:8484 without it. */
  readonly baseUrl?: string | undefined;
  /** An admin key, or the content of `admin.token`; the variable PORTCULLIS_ADMIN_TOKEN unless given. */
  readonly token?: string | undefined;
  /** The environment that is searched; that of the process unless given, where there is one. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** What to use where nothing else has it, by name. */
  readonly defaults?: Readonly<Record<string, string>> | undefined;
}

/** A secret, and where it was found. */
export interface FoundSecret {
  readonly name: string;
  readonly value: string;
  readonly source: "process" | "vault" | "environment" | "default";
  /** The variable that had it, if the environment did. */
  readonly variable?: string;
  /** Why the vault could not be asked, if it should have been: it may have another value. */
  readonly problem?: PortcullisError;
}

export interface Secrets {
  /** Puts a value into the vault and, once it is there, uses it in this process. Rejects if the vault does not take it. */
  set(name: string, value: string): Promise<void>;
  /** Uses a value in this process only; it comes before all others and is stored nowhere. */
  setLocal(name: string, value: string): void;
  /** The value, or `undefined` if there is none. Rejects if the vault could not be asked and nothing else has it. */
  get(name: string): Promise<string | undefined>;
  /** The same with where it was found. */
  find(name: string): Promise<FoundSecret | undefined>;
  /** What the vault has, by name, without the values. */
  list(): Promise<readonly NamedSecret[]>;
  /** Deletes it from the vault and from this process; whether there was one. The environment and defaults stay. */
  delete(name: string): Promise<boolean>;
}

const defaultUrl = "http://127.0.0.1:8484";

/** Every method throws or rejects with `PortcullisError`, and with nothing else. Throws `TypeError` for a bad base URL. */
export function createSecrets(options: SecretsOptions = {}): Secrets {
  const environment = options.environment ?? processEnvironment();
  const client = createClient({
    ...options,
    baseUrl: options.baseUrl ?? (environment["PORTCULLIS_URL"] || defaultUrl),
    token: options.token ?? (environment["PORTCULLIS_ADMIN_TOKEN"] || undefined),
  });
  const local = new Map<string, string>();
  const defaults = new Map(Object.entries(options.defaults ?? {}));

  async function find(name: string): Promise<FoundSecret | undefined> {
    const set = local.get(checked(name));
    if (set !== undefined) return { name, value: set, source: "process" };
    const answer = await askVault(client, name);
    if ("value" in answer) return { name, value: answer.value, source: "vault" };
    const later = inEnvironment(name, environment) ?? inDefaults(name, defaults);
    if (later !== undefined) return { ...later, ...answer };
    if (answer.problem !== undefined) throw answer.problem;
    return undefined;
  }

  return {
    find,
    get: async (name) => (await find(name))?.value,
    set: async (name, value) => {
      await client.call(endpoints.secrets.put, { params: { name: checked(name) }, input: { value } });
      local.set(name, value);
    },
    setLocal: (name, value) => void local.set(checked(name), value),
    list: () => listAll(client),
    delete: async (name) => {
      const inVault = await removeFromVault(client, checked(name));
      return local.delete(name) || inVault;
    },
  };
}

/** A value, nothing if the vault has none, or why it could not be asked. */
type VaultAnswer = { readonly value: string } | { readonly problem?: PortcullisError };

async function askVault(client: Client, name: string): Promise<VaultAnswer> {
  try {
    const { value } = await client.call(endpoints.secrets.reveal, { params: { name }, input: {} });
    return { value };
  } catch (error) {
    return isMissing(error) ? {} : { problem: asPortcullisError(error) };
  }
}

async function removeFromVault(client: Client, name: string): Promise<boolean> {
  try {
    await client.call(endpoints.secrets.remove, { params: { name } });
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function listAll(client: Client): Promise<readonly NamedSecret[]> {
  const found: NamedSecret[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.call(endpoints.secrets.list, { query: { limit: 10_000, cursor } });
    found.push(...page.data);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return found;
}

function inEnvironment(name: string, environment: Readonly<Record<string, string | undefined>>) {
  for (const variable of variablesOf(name)) {
    const value = environment[variable];
    if (value !== undefined && value !== "") return { name, value, source: "environment", variable } as const;
  }
  return undefined;
}

function inDefaults(name: string, defaults: ReadonlyMap<string, string>) {
  const value = defaults.get(name);
  return value === undefined ? undefined : ({ name, value, source: "default" } as const);
}

/** Not quoted in the error: somebody may have put the value in the place of the name. */
function checked(name: string): string {
  if (secretName.test(name)) return name;
  throw new PortcullisError({
    status: 400,
    code: "invalid_request",
    title: "the name of a secret is 1 to 128 lower-case letters, digits, `_`, `-` and `.`",
    hint: "write it like openai_api_key",
  });
}

/** The gateway's own word that there is none, which a server of another kind does not say. */
function isMissing(error: unknown): boolean {
  return error instanceof PortcullisError && error.code === "not_found";
}

function asPortcullisError(error: unknown): PortcullisError {
  if (error instanceof PortcullisError) return error;
  throw error;
}

/** Empty in a browser. */
function processEnvironment(): Readonly<Record<string, string | undefined>> {
  const { process } = globalThis as { readonly process?: { readonly env?: Record<string, string | undefined> } };
  // oxlint-disable-next-line node/no-process-env -- this package runs in other people's programs, whose environment is one of the places searched
  return process?.env ?? {};
}
