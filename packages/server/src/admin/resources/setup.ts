import type { endpoints, HandlersOf } from "@portcullis/contract";
import { isoTime } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import type { Call } from "../app.ts";
import type { AdminParts } from "../parts.ts";

const adminKeyLifeMs = 90 * 24 * 3_600_000;

export function setupHandlers({ keys, ownership, clock }: AdminParts): HandlersOf<(typeof endpoints)["setup"], Call> {
  return {
    claim: async ({ input }, { actor }) => {
      if (input.code === undefined && actor === "setup-code") throw new AppError("setup_code_invalid");
      const code = input.code === undefined ? undefined : new Secret(input.code);
      const owner = await ownership.claim(input.name, code);
      const { text } = await keys.create(
        {
          kind: "admin",
          user: owner.name,
          description: "the owner's admin key",
          expiresAt: clock.now() + adminKeyLifeMs,
        },
        `owner:${owner.id}`,
      );
      return {
        owner: { id: owner.id, name: owner.name, created_at: isoTime(owner.createdAt) },
        admin_key: text.reveal(),
      };
    },
  };
}
