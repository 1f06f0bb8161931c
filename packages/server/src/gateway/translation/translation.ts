import { createHmac } from "node:crypto";
import type { Clock } from "../../kernel/clock.ts";
import type { Vault } from "../../vault/index.ts";
import { createReasoningMemory, type ReasoningMemory } from "./memory.ts";
import { createTranslator, type Translator } from "./translator.ts";

/** What requests and replies are translated with. */
export interface Translation {
  readonly translator: Translator;
  readonly memory: ReasoningMemory;
  /** Seals reasoning states on their way through other dialects. Throws `vault_sealed`. */
  sealKey(): Uint8Array;
  close(): Promise<void>;
}

export interface TranslationOptions {
  readonly vault: Pick<Vault, "namedKey">;
  readonly clock: Clock;
}

const sealLabel = "portcullis reasoning state";

export function createTranslation({ vault, clock }: TranslationOptions): Translation {
  const translator = createTranslator();
  return {
    translator,
    memory: createReasoningMemory(clock),
    sealKey() {
      const { key } = vault.namedKey("sign");
      const sealKey = createHmac("sha256", key).update(sealLabel).digest();
      key.fill(0);
      return sealKey;
    },
    close: () => translator.close(),
  };
}
