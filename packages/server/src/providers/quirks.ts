import { type ChatRules, openaiRules, type RequestRules, type ResponsesRules, usualRules } from "../dialects/index.ts";

/** Where a provider behaves otherwise than others that speak the same dialect. */
export interface Quirks extends RequestRules {
  /**
   * Token counts of a streamed `openai-chat` reply: sent when asked for with `stream_options`; always sent, and asking
   * is needless or refused; or never sent, and asking is refused.
   */
  readonly streamUsage: "on_request" | "always" | "unsupported";
}

/** What is said of it; the rest is as usual. */
export interface QuirkSpec {
  readonly streamUsage?: Quirks["streamUsage"];
  readonly chat?: Partial<ChatRules>;
  readonly responses?: Partial<ResponsesRules>;
}

/**
 * Nearly everyone has what OpenAI has had from the beginning. What came later, and what is OpenAI's own, is sent only to those that
 * are known to take it.
 */
export function defineQuirks({ streamUsage = "on_request", chat, responses }: QuirkSpec = {}): Quirks {
  return {
    streamUsage,
    chat: { ...usualRules.chat, ...chat },
    responses: { ...usualRules.responses, ...responses },
  };
}

export const defaultQuirks: Quirks = defineQuirks();

/** Of a provider that was not defined by us, the address tells: OpenAI's models also run at Microsoft's. */
export function quirksAt(baseUrl: string): Quirks {
  const isOpenai = /(?:^|\.)(?:api\.openai\.com|openai\.azure\.com|services\.ai\.azure\.com)$/.test(
    new URL(baseUrl).hostname,
  );
  return isOpenai ? defineQuirks(openaiRules) : defaultQuirks;
}
