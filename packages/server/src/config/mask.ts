import { isReference } from "./fields.ts";
import { isMapping } from "./issues.ts";
import type { Setting } from "./settings.ts";

/** The value, or what may be shown of it. */
export function display(setting: Setting, value: unknown): unknown {
  return setting.confidential ? masked(value) : value;
}

function masked(value: unknown): unknown {
  if (isMapping(value)) return Object.fromEntries(Object.keys(value).map((key) => [key, "[secret]"]));
  if (typeof value !== "string") return "[secret]";
  if (isReference(value) || value.startsWith("sqlite:")) return value;
  const url = URL.parse(value);
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol)) return "[secret]";
  const user = url.password === "" ? url.username : `${url.username}:[secret]`;
  return `${url.protocol}//${user}${user === "" ? "" : "@"}${url.host}${url.pathname}${url.search === "" ? "" : "?[secret]"}`;
}
