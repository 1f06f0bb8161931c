import type { endpoints, HandlersOf, Provider as ProviderBody } from "@portcullis/contract";
import { isoTime } from "../../kernel/clock.ts";
import { Secret } from "../../kernel/secret.ts";
import { dialectsOf, testProvider, type Provider, type Providers } from "../../providers/index.ts";
import type { Call } from "../app.ts";
import type { AdminParts } from "../parts.ts";
import { openKey } from "../stored-key.ts";
import { describeTest } from "./credentials.ts";
import { describeModel } from "./models.ts";

export function providerHandlers(parts: AdminParts): HandlersOf<(typeof endpoints)["providers"], Call> {
  const { providers } = parts;
  const { credentials, models } = providers;
  const show = (provider: Provider): ProviderBody => describeProvider(provider, parts);

  return {
    list: async () => providers.list().map(show),
    withKeys: async () =>
      providers
        .list()
        .filter((provider) => credentials.hasUsable(provider.id))
        .map(show),
    get: async ({ params }) => show(providers.require(params.id)),
    create: async ({ input }) => {
      const created = await providers.create({
        id: input.id,
        name: input.display_name,
        baseUrl: input.base_url,
        dialects: input.dialect === undefined ? undefined : [input.dialect],
        allowPrivate: input.allow_private,
      });
      for (const model of new Set(input.models)) await models.add(created.id, { model });
      const key = keyOf(input.api_key);
      if (key !== undefined) await credentials.add(created.id, key);
      return show(created);
    },
    update: async ({ params: { id }, input }) => {
      const change = { name: input.display_name, baseUrl: input.base_url };
      return show(await providers.update(id, change, input.api_key === null ? null : keyOf(input.api_key)));
    },
    remove: async ({ params }) => {
      await providers.remove(params.id);
      return undefined;
    },
    test: async ({ params, input }) => {
      const provider = providers.require(params.id);
      const key = keyOf(input.api_key) ?? (await openKey(provider, parts));
      return describeTest(await testProvider(provider, key, parts));
    },
  };
}

function keyOf(value: string | undefined): Secret | undefined {
  return typeof value === "string" ? new Secret(value) : undefined;
}

function describeProvider(provider: Provider, { providers: { credentials, models } }: AdminParts): ProviderBody {
  const dialects = dialectsOf(provider);
  const time = (ms: number | undefined): string | null => (ms === undefined ? null : isoTime(ms));
  return {
    id: provider.id,
    name: provider.id,
    display_name: provider.name,
    base_url: provider.baseUrl,
    dialect: dialects[0] ?? "openai-chat",
    dialects: [...dialects],
    allow_private: provider.allowPrivate,
    custom: provider.custom,
    has_api_key: credentials.hasUsable(provider.id),
    models: models.list(provider.id).map(describeModel),
    health: healthOf(provider, credentials),
    created_at: time(provider.createdAt),
    updated_at: time(provider.updatedAt),
  };
}

function healthOf(provider: Provider, credentials: Providers["credentials"]): ProviderBody["health"] {
  const tested = credentials.list(provider.id).filter((record) => record.testOk !== null);
  if (tested.length === 0) return "unknown";
  return tested.some((record) => record.testOk === true) ? "ok" : "failing";
}
