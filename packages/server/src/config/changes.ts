import type { LoadedConfig } from "./load.ts";
import { formatPath } from "./settings.ts";
import { formatOrigin } from "./survey.ts";

/** A setting whose value differs between two configurations. */
export interface ChangedSetting {
  /** `server.port`, `providers.groq.base_url` */
  readonly key: string;
  /** Whether it is read at the start only. */
  readonly restart: boolean;
  /** Where the new value comes from, for messages: `portcullis.yaml:12:3`, or `default`. */
  readonly origin: string;
}

/** What differs, sorted by key: names only, since values may be secret. What a reference refers to is not looked at. */
export function changedSettings(
  before: Pick<LoadedConfig, "settings">,
  after: Pick<LoadedConfig, "settings">,
): readonly ChangedSetting[] {
  const [old, now] = [before, after].map(
    ({ settings }) => new Map(settings.map((each) => [formatPath(each.path), each] as const)),
  );
  const keys = [...new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])].toSorted();
  return keys.flatMap((key) => {
    const [one, other] = [old?.get(key), now?.get(key)];
    if (one?.exact.reveal() === other?.exact.reveal()) return [];
    const origin = formatOrigin(other?.origin ?? { kind: "default" });
    return [{ key, restart: (one ?? other)?.setting.restart === true, origin }];
  });
}
