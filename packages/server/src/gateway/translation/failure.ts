import type { ErrorCode } from "@portcullis/contract";
import type { FailureKind, UpstreamFailure } from "../../dialects/index.ts";
import { AppError } from "../../kernel/errors.ts";

/** What a provider's failure is to a caller of another dialect. */
const codes: Readonly<Record<FailureKind, ErrorCode>> = {
  rejected: "upstream_rejected",
  context_too_long: "upstream_context_too_long",
  refused_key: "upstream_refused_key",
  credits: "upstream_credits",
  forbidden: "upstream_denied",
  not_found: "upstream_model_unknown",
  too_large: "upstream_too_large",
  rate_limited: "upstream_rate_limited",
  overloaded: "upstream_overloaded",
  timeout: "upstream_slow",
  broken: "upstream_broke",
  server: "upstream_failed",
};

/** Nobody waits for longer, whatever the provider says. */
const mostWaitSeconds = 86_400;

/** Enough to see what is wrong, and not a page. */
const mostSaid = 2_000;

export interface FailureNames {
  readonly provider: string;
  readonly credential: string;
  readonly model: string;
  /** For a prompt that is too long, where the provider names no numbers. */
  readonly estimatedInput: number;
  readonly contextTokens: number | undefined;
}

/** `mask` blots out the provider's key, should its words hold it. */
export function upstreamError(failure: UpstreamFailure, names: FailureNames, mask: (text: string) => string): AppError {
  const { kind, message, retryAfterSeconds, tokens } = failure;
  const said = mask(message.slice(0, mostSaid)) || "it gave no reason";
  const limit = tokens?.most ?? names.contextTokens ?? names.estimatedInput;
  const values = {
    provider: names.provider,
    credential: names.credential,
    model: names.model,
    said,
    tokens: tokens?.asked ?? Math.max(names.estimatedInput, limit + 1),
    limit,
  };
  return new AppError(codes[kind], values, {
    detail: said,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds: Math.min(retryAfterSeconds, mostWaitSeconds) }),
  });
}
