import type { TestDatabase } from "../../test/support/databases.ts";
import { createKeyRecords, Keys } from "../identity/index.ts";
import { Secret } from "../kernel/secret.ts";
import { openParts, type TestParts } from "../providers/test-parts.ts";
import type { Vault } from "../vault/index.ts";
import { createImports, type ImportParts, type ImportResult } from "./imports.ts";
import type { CredentialItem, ImportItem, KeyItem, ModelItem, ProviderItem, SecretItem } from "./item.ts";

/** Stands in for the end of the process. */
export class Crash extends Error {}

export interface Started extends ImportParts {
  readonly vault: ImportParts["vault"] & Pick<Vault, "remove">;
  run(items: readonly ImportItem[], options?: RunOptions): Promise<readonly ImportResult[]>;
}

export interface RunOptions {
  readonly dryRun?: boolean;
  readonly again?: boolean;
  readonly source?: string;
  readonly announced?: string[];
}

export async function openImports(database: TestDatabase) {
  const parts = await openParts(database);
  /** Everything as a process that starts now would have it. `guard` sees each write before and after it is done. */
  const start = async (guard?: (step: string) => void): Promise<Started> =>
    startFrom(parts, guard ?? (() => undefined));
  return { ...parts, start };
}

async function startFrom({ db, clock, vault, start }: TestParts, guard: (step: string) => void): Promise<Started> {
  const keys = new Keys({ records: createKeyRecords(db), vault, clock });
  await keys.load();
  const providers = await start({ environment: new Map([["XAI_API_KEY", new Secret("xai-from-the-start")]]) });
  const guardedParts = {
    clock,
    db: { ...db, kysely: guarded(db.kysely, guard, ["insertInto"]) },
    vault: guarded(vault, guard, ["put"]),
    keys: guarded(keys, guard, ["create", "disable"]),
    providers: {
      ...guarded(providers, guard, ["create"]),
      models: guarded(providers.models, guard, ["add"]),
      credentials: guarded(providers.credentials, guard, ["add", "addReference"]),
    },
  };
  const imports = createImports(guardedParts);
  return {
    ...guardedParts,
    run: (items, { dryRun = false, again = false, source = "test", announced } = {}) =>
      imports.run({
        source,
        items,
        dryRun,
        again,
        actor: "tester",
        announce: async ({ kind, name }) => {
          guard("announce");
          announced?.push(`${kind} ${name}`);
        },
      }),
  };
}

type AnyFunction = (...parameters: unknown[]) => unknown;

/** The same object, but that `guard` is called before and after each of the named methods (or of what they build). */
function guarded<Target extends object>(
  target: Target,
  guard: (step: string) => void,
  names: readonly string[],
): Target {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const method = (value as AnyFunction).bind(target);
      if (!names.includes(String(name))) return method;
      if (name === "insertInto") return (...given: unknown[]) => guardedQuery(method(...given) as object, guard);
      return async (...given: unknown[]) => {
        guard(`${String(name)} before`);
        const result = await method(...given);
        guard(`${String(name)} after`);
        return result;
      };
    },
  });
}

/** A query builder whose `execute` is seen. */
function guardedQuery(query: object, guard: (step: string) => void): object {
  return new Proxy(query, {
    get(_, name) {
      const value: unknown = Reflect.get(query, name, query);
      if (typeof value !== "function") return value;
      const method = (value as AnyFunction).bind(query);
      if (name !== "execute") return (...given: unknown[]) => guardedQuery(method(...given) as object, guard);
      return async () => {
        guard("remember before");
        const result = await method();
        guard("remember after");
        return result;
      };
    },
  });
}

export const provider = (id: string, baseUrl: string, more: Partial<ProviderItem> = {}): ProviderItem => ({
  kind: "provider",
  id,
  name: undefined,
  baseUrl,
  dialect: undefined,
  allowPrivate: false,
  ...more,
});

export const credential = (
  at: Partial<CredentialItem>,
  key: string,
  more: Partial<CredentialItem> = {},
): CredentialItem => ({
  kind: "credential",
  provider: undefined,
  variable: undefined,
  baseUrl: undefined,
  ...at,
  key: new Secret(key),
  label: "imported",
  weight: undefined,
  priority: undefined,
  expiresAt: undefined,
  ...more,
});

export const model = (at: Partial<ModelItem>, name: string, price?: ModelItem["model"]["price"]): ModelItem => ({
  kind: "model",
  provider: undefined,
  variable: undefined,
  baseUrl: undefined,
  ...at,
  model: { model: name, price },
});

export const secret = (name: string, value: string): SecretItem => ({ kind: "secret", name, value: new Secret(value) });

export const key = (more: Partial<KeyItem>): KeyItem => ({
  kind: "key",
  sourceId: undefined,
  user: undefined,
  team: undefined,
  service: undefined,
  description: undefined,
  models: undefined,
  allowIp: undefined,
  expiresAt: undefined,
  disabled: false,
  ...more,
});

export const proxy = "https://llm.example.com/v1";
const house = { provider: "house", baseUrl: proxy };

/** One of each kind, and what belongs to it. */
export const everything: readonly ImportItem[] = [
  provider("house", proxy, { name: "The house", dialect: "openai-chat" }),
  credential(house, "sk-house-canary", { weight: 3, priority: 1, label: "one" }),
  model(house, "llama-3.3-70b", { input: 500_000, output: 1_500_000 }),
  credential({ variable: "OPENAI_API_KEY" }, "sk-openai-canary"),
  { ...credential({ provider: "groq" }, "x"), key: { reference: "env:GROQ_API_KEY" } },
  secret("session", "hush-canary"),
  key({ user: "ada", service: "chat", models: ["gpt-4o"], sourceId: "a" }),
  key({ user: "bob", disabled: true, sourceId: "b" }),
];

/** What there is in the end, without ids. */
export async function stateOf({ providers, keys, vault }: Started) {
  const { credentials } = providers;
  const kept = credentials.list().filter(({ source }) => source === "stored");
  const values = kept.map(async (record) => {
    const { origin } = providers.require(record.providerId);
    const value = record.reference ?? (await credentials.open(record, origin)).reveal();
    return [record.providerId, record.label, record.weight, record.priority, record.status, value];
  });
  return {
    providers: providers.list().flatMap(({ custom, id, baseUrl, name }) => (custom ? [[id, baseUrl, name]] : [])),
    credentials: (await Promise.all(values)).map(String).sort(),
    models: providers.models.lookup("house", "llama-3.3-70b")?.price,
    secret: (await vault.get({ type: "secret", id: "session", field: "value" })).reveal(),
    keys: keys
      .list()
      .map(({ user, disabledAt }) => [user, disabledAt !== null])
      .sort(),
  };
}

/** Deletes all of it again, as an admin may. */
export async function clear({ providers, keys, vault }: Started): Promise<void> {
  const stored = providers.credentials.list().filter(({ source }) => source === "stored");
  for (const { id } of stored) await providers.credentials.remove(id);
  for (const { id, custom } of providers.list()) if (custom) await providers.remove(id);
  for (const { id } of keys.list()) await keys.remove(id);
  const ref = { type: "secret", id: "session", field: "value" } as const;
  await vault.remove(ref).catch(() => undefined); // it may not be there yet
}
