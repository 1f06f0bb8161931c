import type { ToolRules } from "../codec.ts";

/**
 * OpenAI's, which are the narrowest of the dialect. It alone knows tools that take any text; with all others of the dialect they
 * would be refused, so they are made into functions.
 */
export const chatTools: ToolRules = {
  name: /^[a-zA-Z0-9_-]+$/,
  mostNameLength: 64,
  callId: /^[a-zA-Z0-9_-]+$/,
  mostCallIdLength: 40,
  custom: false,
};
