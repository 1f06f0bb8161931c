import { AppError } from "../../kernel/errors.ts";
import { keySizeBytes, systemRandom, wipe } from "../key-material.ts";
import type { KeyRing } from "./key-ring.ts";
import { keyedUnlocker, type Unlocker } from "./unlocker.ts";

/*
 * Opens with a random key that the operating system's key ring keeps. Each slot has an entry of its own, whose name stands
 * in the slot's parameters: {"account":"vault-<32 hex digits>"}. An entry is made for a new slot and for nothing else; one
 * that is gone is not made again.
 */

export function keyRingUnlocker(ring: KeyRing): Unlocker {
  return keyedUnlocker({
    kind: "key-ring",
    async create() {
      const account = `vault-${systemRandom(16).toString("hex")}`;
      const key = systemRandom(keySizeBytes);
      try {
        await ring.write(account, key);
      } catch (error) {
        wipe(key);
        throw error;
      }
      return { params: JSON.stringify({ account }), key };
    },
    async key({ params }) {
      const account = accountIn(params);
      const key = account === undefined ? undefined : await ring.read(account);
      if (key === undefined || key.length === keySizeBytes) return key;
      wipe(key);
      return undefined;
    },
    async discard({ params }) {
      const account = accountIn(params);
      if (account !== undefined) await ring.delete(account);
    },
  });
}

/** `undefined` for parameters that this unlocker would not have written: no other entry of the ring is asked for. */
function accountIn(params: string): string | undefined {
  return /^\{"account":"(vault-[0-9a-f]{32})"\}$/.exec(params)?.[1];
}

/** Why the ring cannot be relied on for a new vault; `undefined` if it can. */
export async function ringProblem(ring: KeyRing | undefined): Promise<string | undefined> {
  if (ring === undefined) return "no key ring is looked for";
  if (ring.absence !== undefined) return ring.absence;
  try {
    await ring.probe();
    return undefined;
  } catch (error) {
    if (error instanceof AppError && error.code === "vault_unlocker_unavailable") return error.message;
    throw error;
  }
}
