/**
 * What an audit event keeps of a request's body: the fields named here, whose values are known not to be secret.
 * Of every other field only that it was given. A new field is therefore left out until somebody adds it here.
 */
const recorded: ReadonlySet<string> = new Set([
  "admin",
  "again",
  "allow_ip",
  "allow_private",
  "base_url",
  "context_tokens",
  "description",
  "dialect",
  "display_name",
  "dry_run",
  "duration",
  "expires_at",
  "expires_in",
  "id",
  "key_alias",
  "key_id",
  "kind",
  "label",
  "lossy",
  "max_output_tokens",
  "model",
  "models",
  "name",
  "overlap",
  "passthrough",
  "price_micros_per_mtok",
  "price_micros_per_unit",
  "priority",
  "provider",
  "recipients",
  "reference",
  "service",
  "since",
  "source",
  "target",
  "targets",
  "team",
  "team_id",
  "test",
  "thinking",
  "tiers",
  "to",
  "until",
  "user",
  "user_id",
  "weight",
]);

export function auditedDetail(input: unknown): Readonly<Record<string, unknown>> {
  if (typeof input !== "object" || input === null) return {};
  return Object.fromEntries(
    Object.entries(input)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name, recorded.has(name) || value === null ? value : "[not recorded]"]),
  );
}

/** What an event is about: what the address names, else what the body does (`POST /providers {id}`, `/credentials {provider}`). */
export function auditedTarget(params: Readonly<Record<string, string>>, input: unknown): string {
  const named = params["id"] ?? params["model_id"] ?? params["name"] ?? params["provider"];
  if (named !== undefined || typeof input !== "object" || input === null) return named ?? "";
  const { id, provider, name }: { id?: unknown; provider?: unknown; name?: unknown } = input;
  return [id, provider, name].find((value) => typeof value === "string") ?? "";
}
