import { countFailure, readResponses } from "./responses-request.ts";
import type { Page } from "./vendor.ts";

/** How many tokens a request to the Responses API would have: https://platform.openai.com/docs/api-reference/responses/input-tokens */
export const responsesCount: Page = {
  house: "openai",
  method: "POST",
  check: countFailure,
  reply(call) {
    const { input, cacheRead, cacheWrite, cacheWrite1h } = readResponses(call).prompt;
    return JSON.stringify({
      object: "response.input_tokens",
      input_tokens: input + cacheRead + cacheWrite + cacheWrite1h,
    });
  },
};
