import type { endpoints, HandlersOf, ImportItem as WireItem, ImportReport, RequestOf } from "@portcullis/contract";
import { combinePrices } from "../../catalog/index.ts";
import { Secret } from "../../kernel/secret.ts";
import { createImports, type ImportItem, type ImportResult } from "../../imports/index.ts";
import type { Call } from "../app.ts";
import type { AdminParts } from "../parts.ts";

export function importHandlers(parts: AdminParts): HandlersOf<(typeof endpoints)["imports"], Call> {
  const imports = createImports(parts);
  return {
    run: async ({ input }, { actor }) => {
      const results = await imports.run({
        source: input.source,
        items: input.items.map(readItem),
        dryRun: input.dry_run,
        again: input.again,
        actor,
        announce: ({ kind, name }) =>
          parts.audit.record({ actor, action: "imports.item", target: name, detail: { kind, source: input.source } }),
      });
      return describeReport(results, input.dry_run);
    },
  };
}

type Input = RequestOf<(typeof endpoints)["imports"]["run"]>["input"]["items"][number];
type InputOf<Kind extends WireItem["kind"]> = Extract<Input, { readonly kind: Kind }>;

function readItem(item: Input): ImportItem {
  switch (item.kind) {
    case "provider":
      return {
        kind: "provider",
        id: item.id,
        name: item.name,
        baseUrl: item.base_url,
        dialect: item.dialect,
        allowPrivate: item.allow_private ?? false,
      };
    case "model":
      return readModel(item);
    case "credential":
      return readCredential(item);
    case "secret":
      return { kind: "secret", name: item.name, value: new Secret(item.value) };
    case "key":
      return readKey(item);
  }
}

function readModel(item: InputOf<"model">): ImportItem {
  const model = {
    model: item.name,
    name: item.display_name,
    contextTokens: item.context_tokens,
    maxOutputTokens: item.max_output_tokens,
    price: combinePrices(item.price_micros_per_mtok, item.price_micros_per_unit),
  };
  return { kind: "model", provider: item.provider, variable: undefined, baseUrl: item.base_url, model };
}

function readCredential(item: InputOf<"credential">): ImportItem {
  const { provider, variable, base_url: baseUrl, value, reference = "", label, weight, priority } = item;
  return {
    kind: "credential",
    provider,
    variable,
    baseUrl,
    key: value === undefined ? { reference } : new Secret(value),
    label: label ?? "imported",
    weight,
    priority,
    expiresAt: timeOf(item.expires_at),
  };
}

function readKey(item: InputOf<"key">): ImportItem {
  const { user, team, service, description, models, allow_ip: allowIp, source_id: sourceId, disabled = false } = item;
  const described = { user, team, service, description, models, allowIp, disabled };
  return { kind: "key", sourceId, ...described, expiresAt: timeOf(item.expires_at) };
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}

function describeReport(results: readonly ImportResult[], dryRun: boolean): ImportReport {
  const count = (outcome: ImportResult["outcome"]): number =>
    results.filter((result) => result.outcome === outcome).length;
  return {
    dry_run: dryRun,
    // The one reply that holds the keys that were made, as the making of a single one does.
    items: results.map(({ key, ...result }) => (key === undefined ? result : { ...result, key: key.reveal() })),
    imported: count("imported"),
    present: count("present"),
    skipped: count("skipped"),
    failed: count("failed"),
  };
}
