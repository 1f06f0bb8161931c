import {
  recognisedSecrets,
  secretName,
  variablesOf,
  type endpoints,
  type HandlersOf,
  type NamedSecret,
} from "@portcullis/contract";
import { isoTime } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import { withoutKeys } from "../../kernel/key-shapes.ts";
import { Secret } from "../../kernel/secret.ts";
import type { RecordRef } from "../../vault/index.ts";
import type { Call } from "../app.ts";
import type { AdminParts } from "../parts.ts";
import { revealValue } from "../reveal.ts";

/** Named secrets: values of the vault that belong to no provider, and so are sealed to no origin. */
export function secretHandlers(parts: AdminParts): HandlersOf<(typeof endpoints)["secrets"], Call> {
  const { vault } = parts;
  return {
    list: async ({ query }) => pageByName(await vault.list("secret"), query),

    names: async () => ({
      data: recognisedSecrets.map(({ name, environment }) => ({ name, environment: [...environment] })),
    }),

    put: async ({ params: { name }, input }, { created }) => {
      const stored = await vault.put(refOf(name), new Secret(input.value), []);
      if (stored.version === 1) created();
      return describeSecret({ id: name, ...stored });
    },

    remove: async ({ params: { name } }) => {
      await vault.remove(refOf(name));
      return undefined;
    },

    reveal: async ({ params: { name } }, call) => {
      const ref = refOf(name);
      const value = await revealValue(parts, call, { action: "secrets.revealed", target: name }, () => vault.get(ref));
      vault.forget(ref); // nobody waits for it a second time, unlike for a provider's key
      return { name, value };
    },
  };
}

/** Throws `invalid_request` for what is no name; whoever puts a value in the place of one is not read it back. */
function refOf(name: string): RecordRef {
  if (withoutKeys(name) !== name) {
    throw new AppError("invalid_request", { problem: "what stands in the place of the name looks like a key" });
  }
  if (!secretName.test(name)) {
    const problem =
      "the name of a secret is 1 to 128 lower-case letters, digits, `_`, `-` and `.`, like `openai_api_key`";
    throw new AppError("invalid_request", { problem });
  }
  return { type: "secret", id: name, field: "value" };
}

interface Listed {
  readonly id: string;
  readonly version: number;
  readonly updatedAt: number;
}

/** One page by name. What is removed between two pages does not disturb them: the next one goes on behind the last name. */
function pageByName(
  records: readonly Listed[],
  { limit, cursor = "" }: { readonly limit: number; readonly cursor?: string | undefined },
): { data: NamedSecret[]; next_cursor: string | null } {
  const behind = records.filter(({ id }) => id > cursor).toSorted((one, other) => (one.id < other.id ? -1 : 1));
  const data = behind.slice(0, limit).map(describeSecret);
  return { data, next_cursor: behind.length > limit ? (data.at(-1)?.name ?? null) : null };
}

function describeSecret({ id, version, updatedAt }: Listed): NamedSecret {
  return { name: id, version, updated_at: isoTime(updatedAt), environment: [...variablesOf(id)] };
}
