import { isIP } from "node:net";
import type { ImportItem } from "@portcullis/contract";
import { parseAddress, providerAt, slugOf } from "./address.ts";
import { isFields, lineOf, numberOf, textOf, textsOf, timeOf, type Fields } from "./fields.ts";
import { failed, skipped, type Finding } from "./finding.ts";
import { keyDigest } from "./key-file.ts";
import { channelType, type Flavour } from "./one-api-channels.ts";
import { looksUnset } from "./unset-value.ts";
import type { SqliteFile } from "./sqlite-file.ts";

/*
 * The SQLite database of one-api, or of new-api, which grew out of it. A channel is a provider, models and one key or
 * several; a token is a key of callers, made anew here. Only channels and tokens in use are taken.
 */

const channelColumns = ["type", "key", "status", "name", "weight", "base_url", "models", "model_mapping", "priority"];
const tokenColumns = ["user_id", "key", "status", "name", "expired_time", "unlimited_quota", "remain_quota"];

export function isOneApi(file: SqliteFile): boolean {
  const columns = file.columns("channels");
  return file.tables.has("channels") && ["type", "key", "base_url", "models"].every((name) => columns.has(name));
}

export function readOneApi(file: SqliteFile): readonly Finding[] {
  const channels = file.rows("channels", ["id", ...channelColumns, "channel_info"]);
  const ranks = ranksOf(channels);
  const findings = channels.flatMap((channel) => readChannel(channel, flavourOf(file), ranks));
  return [...findings, ...(file.tables.has("tokens") ? readTokens(file) : [])];
}

function flavourOf(file: SqliteFile): Flavour {
  const columns = file.columns("channels");
  return ["auto_ban", "tag", "setting", "channel_info"].some((name) => columns.has(name)) ? "new-api" : "one-api";
}

const inUse = 1;

function readChannel(channel: Fields, flavour: Flavour, ranks: ReadonlyMap<number, number>): readonly Finding[] {
  const place = `channels ${numberOf(channel["id"]) ?? "?"}`;
  const type = channelType(numberOf(channel["type"]) ?? 0, flavour);
  const name = lineOf(channel["name"], 90) ?? type.name;
  if (numberOf(channel["status"]) !== inUse) return [skipped(place, "provider", name, "the channel is disabled there")];
  if (!("address" in type)) {
    return [skipped(place, "provider", name, `its type (${type.name}) has no counterpart here`)];
  }
  const own = textOf(channel["base_url"]);
  const given = own ?? type.address;
  const address = given.includes("{") ? undefined : parseAddress(given);
  if (address === undefined) return [failed(place, "provider", name, "it has no address that can be read")];
  const baseUrl = address.baseUrl.endsWith(type.path) ? address.baseUrl : address.baseUrl + type.path;
  const id = slugOf(own === undefined ? type.name : name);
  const where = { provider: id, base_url: baseUrl };
  return [
    { place, item: providerAt(id, undefined, baseUrl, type.dialect) },
    ...readKeys(channel, where, place, name, ranks.get(numberOf(channel["priority"]) ?? 0)),
    ...readModels(channel, where, place),
  ];
}

type Where = { readonly provider: string; readonly base_url: string };

function readKeys(
  channel: Fields,
  where: Where,
  place: string,
  name: string,
  priority: number | undefined,
): readonly Finding[] {
  const weight = numberOf(channel["weight"]) ?? 0;
  const settings = {
    ...(priority === undefined || priority === 0 ? {} : { priority }),
    ...(weight >= 1 ? { weight: Math.min(Math.round(weight), 1000) } : {}),
  };
  const disabled = disabledKeys(channel["channel_info"]);
  const keys = (textOf(channel["key"]) ?? "").split("\n").map((key) => key.trim());
  return keys.flatMap((value, index): readonly Finding[] => {
    const at = keys.length === 1 ? place : `${place} key ${index + 1}`;
    const label = keys.length === 1 ? name : `${name} ${index + 1}`;
    const unset = looksUnset(value);
    if (unset !== undefined) return [skipped(at, "credential", label, unset)];
    if (disabled.has(index)) return [skipped(at, "credential", label, "the key is disabled there")];
    return [{ place: at, item: { kind: "credential", ...where, value, label, ...settings } }];
  });
}

/** Of a channel with several keys, those that were taken out of use, by their position. */
function disabledKeys(info: unknown): ReadonlySet<number> {
  const content = parseFields(info);
  const list = isFields(content["multi_key_status_list"]) ? content["multi_key_status_list"] : {};
  return new Set(
    Object.entries(list).flatMap(([index, status]) => (numberOf(status) === inUse ? [] : [Number(index)])),
  );
}

function readModels(channel: Fields, where: Where, place: string): readonly Finding[] {
  const mapping = parseFields(channel["model_mapping"]);
  return textsOf(channel["models"]).flatMap((name): readonly Finding[] => {
    const target = Object.hasOwn(mapping, name) ? textOf(mapping[name]) : undefined;
    const item: ImportItem = { kind: "model", ...where, name: target ?? name };
    if (target === undefined || target === name) return [{ place, item }];
    const reason = "names of one's own for models are routes, which are not imported; ask for it by its own name";
    return [{ place, item }, skipped(place, "route", `${lineOf(name) ?? ""} → ${lineOf(target) ?? ""}`, reason)];
  });
}

/** There, higher priorities go first; here, lower ones do. */
function ranksOf(channels: readonly Fields[]): ReadonlyMap<number, number> {
  const used = channels.filter((channel) => numberOf(channel["status"]) === inUse);
  const priorities = [...new Set(used.map((channel) => numberOf(channel["priority"]) ?? 0))];
  return new Map(
    priorities.toSorted((one, other) => other - one).map((priority, rank) => [priority, Math.min(rank, 1000)]),
  );
}

function readTokens(file: SqliteFile): readonly Finding[] {
  const names = file.tables.has("users") ? file.rows("users", ["id", "username"]) : [];
  const users = new Map(names.map((row) => [numberOf(row["id"]), lineOf(row["username"])]));
  const limits = ["models", "model_limits_enabled", "model_limits", "subnet", "allow_ips", "deleted_at"];
  const tokens = file
    .rows("tokens", ["id", ...tokenColumns, ...limits])
    .filter(({ deleted_at: deleted }) => deleted === undefined || deleted === null);
  const limited = tokens.filter((token) => numberOf(token["unlimited_quota"]) === 0).length;
  const quota =
    limited === 0 ? [] : [skipped("tokens", "setting", "quota", `the quota of ${limited} tokens is not imported`)];
  return [...tokens.map((token) => readToken(token, users)), ...quota];
}

const expiredThere = 3;
const usedUp = 4;

function readToken(token: Fields, users: ReadonlyMap<number | undefined, string | undefined>): Finding {
  const place = `tokens ${numberOf(token["id"]) ?? "?"}`;
  const name = lineOf(token["name"]) ?? place;
  const key = textOf(token["key"]);
  if (key === undefined) return failed(place, "key", name, "it has no key");
  const status = numberOf(token["status"]);
  if (status === expiredThere) return skipped(place, "key", name, "it has expired there");
  if (status === usedUp) return skipped(place, "key", name, "its quota is used up there");
  const addresses = addressesOf(token["subnet"] ?? token["allow_ips"]);
  if (addresses === undefined) {
    return failed(
      place,
      "key",
      name,
      "the addresses it may be used from cannot be read, and it is not made without them",
    );
  }
  const models = modelsOf(token);
  if (models.length > 100 || addresses.length > 100) {
    return failed(place, "key", name, "it is limited to more than 100 models or addresses");
  }
  const expiry = numberOf(token["expired_time"]) ?? -1;
  const item: ImportItem = {
    kind: "key",
    source_id: keyDigest(key),
    user: users.get(numberOf(token["user_id"])),
    description: name,
    expires_at: expiry > 0 ? timeOf(expiry) : undefined,
    models: models.length === 0 ? undefined : [...models],
    allow_ip: addresses.length === 0 ? undefined : [...addresses],
    disabled: status !== inUse,
  };
  return { place, item };
}

/** The models it is limited to; none if it is not. */
function modelsOf(token: Fields): readonly string[] {
  if (!("model_limits_enabled" in token)) return textsOf(token["models"]);
  return numberOf(token["model_limits_enabled"]) === 1 ? textsOf(token["model_limits"]) : [];
}

/** `undefined` if one of them is no address or range: a limit that is not understood must not become none. */
function addressesOf(value: unknown): readonly string[] | undefined {
  const parts = (textOf(value) ?? "").split(/[\s,]+/).filter((part) => part !== "");
  return parts.every(isRange) ? parts : undefined;
}

function isRange(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}

function parseFields(text: unknown): Fields {
  try {
    const content: unknown = JSON.parse(
      text instanceof Uint8Array ? Buffer.from(text).toString("utf8") : (textOf(text) ?? "{}"),
    );
    return isFields(content) ? content : {};
  } catch {
    return {};
  }
}
