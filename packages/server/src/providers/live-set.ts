import type { Selectable } from "kysely";
import type { Db, Tables } from "../db/index.ts";
import type { DialectId } from "../dialects/index.ts";
import { AppError } from "../kernel/errors.ts";
import { guessDialect, parseAddress } from "./address.ts";
import { fromDefinition, fromSettings, parseBaseUrl, type Provider, type Settings } from "./live-provider.ts";
import type { NewModel } from "./model-changes.ts";
import { parseId, parseName } from "./names.ts";
import type { ProviderDefinition } from "./provider.ts";
import { createReload } from "./reload.ts";

/** A provider as the configuration file has it; one with the id of a predefined provider changes that one. */
export interface DeclaredProvider {
  readonly id: string;
  readonly name?: string | undefined;
  /** Needed unless the provider is predefined. */
  readonly baseUrl?: string | undefined;
  readonly dialects?: readonly DialectId[] | undefined;
  readonly allowPrivate?: boolean | undefined;
  /** Under which name its key stands in `environment`. A predefined provider's own variables come after it. */
  readonly keyName?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly models?: readonly NewModel[] | undefined;
}

/** What the configuration file declares; `file` is its name for messages. */
export interface Declared {
  readonly file: string;
  readonly providers: readonly DeclaredProvider[];
}

export interface LiveSetParts {
  readonly db: Db;
  readonly predefined: readonly ProviderDefinition[];
  readonly declared: Declared;
}

export type ProviderRow = Selectable<Tables["providers"]>;
export type LiveSet = ReturnType<typeof createLiveSet>;
type Definitions = ReadonlyMap<string, ProviderDefinition>;

/**
 * The live set of providers, in memory: those that come with the product, as far as they were changed, those that the
 * user made, and those that the file declares. Where an id stands in several, the file wins, then the database.
 * Throws `invalid_request` for a declaration that cannot be.
 */
export function createLiveSet({ db, predefined, declared }: LiveSetParts) {
  const definitions: Definitions = new Map(predefined.map((definition) => [definition.id, definition]));
  const own = predefined.map((definition) => fromDefinition(definition));
  const fromDeclaration = ({ file, providers }: Declared): readonly Provider[] =>
    providers.map((provider) => fromDeclared(provider, definitions, file));
  const listeners = new Set<() => void>();
  let fromFile = fromDeclaration(declared);
  let fromTable: readonly Provider[] = [];
  let live: ReadonlyMap<string, Provider> = new Map();

  function rebuild(): void {
    const byId = new Map([...own, ...fromTable, ...fromFile].map((provider) => [provider.id, provider]));
    live = new Map([...byId].toSorted(([one], [other]) => (one < other ? -1 : 1)));
    for (const listener of listeners) listener();
  }

  const refresh = createReload(
    () => db.kysely.selectFrom("providers").selectAll().execute(),
    (rows) => {
      fromTable = rows.flatMap((row) => fromRow(row, definitions));
      rebuild();
    },
  );

  return {
    get: (id: string): Provider | undefined => live.get(id),
    /** Throws `not_found`. */
    require: (id: string): Provider => {
      const provider = live.get(id);
      if (provider === undefined) throw new AppError("not_found", { what: "provider", id });
      return provider;
    },
    /** Sorted by id. */
    list: (): readonly Provider[] => [...live.values()],
    /** Calls back after every change, before whoever caused it goes on; the result ends that. */
    onChange: (listener: () => void): (() => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    refresh,
    /** Checks another declaration, throwing `invalid_request`; what it returns puts that in force and cannot fail. */
    redeclare: (next: Declared): (() => void) => {
      const prepared = fromDeclaration(next);
      return () => {
        fromFile = prepared;
        rebuild();
      };
    },
  };
}

/** A row of one that is not custom says what was changed; an empty base URL there means the definition's. */
function fromRow(row: ProviderRow, definitions: Definitions): readonly Provider[] {
  const settings: Settings = {
    name: row.name,
    baseUrl: row.base_url,
    dialects: JSON.parse(row.dialects) as DialectId[], // as the registry wrote it
    allowPrivate: row.allow_private === 1,
    declaredIn: undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
  if (row.custom === 1) return [fromSettings(row.id, settings)];
  const definition = definitions.get(row.id);
  if (definition === undefined) return [];
  return [fromDefinition(definition, { ...settings, baseUrl: row.base_url || definition.baseUrl })];
}

function fromDeclared(asked: DeclaredProvider, definitions: Definitions, file: string): Provider {
  const id = parseId(asked.id);
  const definition = definitions.get(id);
  const keyNames = asked.keyName === undefined ? [] : [asked.keyName];
  return {
    ...atDeclaredAddress(asked, definition, file),
    env: [...keyNames, ...(definition?.env ?? [])],
    headers: { ...definition?.headers, ...asked.headers },
  };
}

function atDeclaredAddress(
  asked: DeclaredProvider,
  definition: ProviderDefinition | undefined,
  file: string,
): Provider {
  const { id, baseUrl = definition?.baseUrl, allowPrivate = definition?.local ?? false } = asked;
  if (baseUrl === undefined) {
    throw new AppError("invalid_request", { problem: `the provider \`${id}\` needs a base URL` });
  }
  const name = parseName(asked.name ?? definition?.name ?? id);
  const fixed = { name, allowPrivate, declaredIn: file, createdAt: undefined, updatedAt: undefined };
  if (definition !== undefined && asked.dialects === undefined) {
    return fromDefinition(definition, { ...fixed, baseUrl: parseBaseUrl(baseUrl, definition, allowPrivate) });
  }
  const dialects = parseDialects(asked.dialects, baseUrl, allowPrivate);
  return fromSettings(id, { ...fixed, dialects, baseUrl: parseBaseUrl(baseUrl, { dialects }, allowPrivate) });
}

/** The dialects asked for, or the one that the address tells. Throws `invalid_request`. */
export function parseDialects(
  asked: readonly DialectId[] | undefined,
  baseUrl: string,
  allowPrivate: boolean,
): readonly DialectId[] {
  if (asked === undefined) return [guessDialect(parseAddress(baseUrl, allowPrivate))];
  if (asked.length > 0) return [...new Set(asked)];
  throw new AppError("invalid_request", { problem: "a provider speaks at least one dialect" });
}
