import { createHmac } from "node:crypto";
import type { Clock } from "../../kernel/clock.ts";
import type { Vault } from "../../vault/index.ts";
import { createItemMemory, createReasoningMemory, type ItemMemory, type ReasoningMemory } from "./memory.ts";
import { createTranslator, type Translator } from "./translator.ts";

/** What requests and replies are translated with. */
export interface Translation {
  readonly translator: Translator;
  readonly memory: ReasoningMemory;
  readonly items: ItemMemory;
  /** Seals reasoning states on their way through other dialects. Throws `vault_sealed`. */
  sealKey(): Uint8Array;
  close(): Promise<void>;
}

export interface TranslationOptions {
  readonly vault: Pick<Vault, "namedKey" | "onChange">;
  readonly clock: Clock;
}

const sealLabel = "portcullis reasoning state";

export function createTranslation({ vault, clock }: TranslationOptions): Translation {
  const translator = createTranslator();
  const memory = createReasoningMemory(clock);
  const items = createItemMemory(clock);
  // What models thought and said is as much the callers' as what was asked.
  const stopListening = vault.onChange((sealed) => {
    for (const each of sealed ? [memory, items] : []) each.forgetAll();
  });
  return {
    translator,
    memory,
    items,
    sealKey() {
      const { key } = vault.namedKey("sign");
      const sealKey = createHmac("sha256", key).update(sealLabel).digest();
      key.fill(0);
      return sealKey;
    },
    close() {
      stopListening();
      return translator.close();
    },
  };
}
