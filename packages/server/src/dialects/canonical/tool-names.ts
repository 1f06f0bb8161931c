import { createHash } from "node:crypto";
import type { ToolRules } from "../codec.ts";

/** 48 bits tell apart whatever tools and calls one conversation has. */
function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/**
 * A name that a provider takes, from any: itself if it is one, else as much of it as there is room for, and a digest of the whole.
 * Different names stay different, and a name is always mapped to the same.
 */
export function portableName(name: string, { name: pattern, mostNameLength }: ToolRules): string {
  if (name.length <= mostNameLength && pattern.test(name)) return name;
  const readable = name.replaceAll(/[^a-zA-Z0-9_-]/g, "_").replace(/^[^a-zA-Z_]/, "_$&");
  return `${readable.slice(0, mostNameLength - 13)}_${digestOf(name)}`;
}

/** The same for the id of a call. */
export function portableId(id: string, { callId, mostCallIdLength }: ToolRules): string {
  if (id.length <= mostCallIdLength && callId.test(id)) return id;
  return `call_${digestOf(id)}${digestOf(`${id}.`)}`;
}

/** Nine letters or digits, which is what some providers want. */
export function nineCharacterId(id: string): string {
  return /^[a-zA-Z0-9]{9}$/.test(id) ? id : digestOf(id).slice(0, 9);
}

/** What every dialect takes for the id of a call. */
export const commonIds: Pick<ToolRules, "callId" | "mostCallIdLength"> = {
  callId: /^[a-zA-Z0-9_-]+$/,
  mostCallIdLength: 64,
};
