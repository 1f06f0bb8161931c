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
  let sealKey: Buffer | undefined;
  // What models thought and said is as much the callers' as what was asked. Replies under way may still have the key.
  const stopListening = vault.onChange((sealed) => {
    sealKey = undefined;
    for (const each of sealed ? [memory, items] : []) each.forgetAll();
  });
  return {
    translator,
    memory,
    items,
    sealKey() {
      sealKey ??= derivedFrom(vault.namedKey("sign").key);
      return sealKey;
    },
    close() {
      stopListening();
      return translator.close();
    },
  };
}

function derivedFrom(key: Buffer): Buffer {
  const derived = createHmac("sha256", key).update(sealLabel).digest();
  key.fill(0);
  return derived;
}
