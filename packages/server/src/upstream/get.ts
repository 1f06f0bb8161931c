import { AppError, asAppError } from "../kernel/errors.ts";
import type { ReplyHeaders } from "./http1/index.ts";
import type { Connector, UpstreamCall, UpstreamListener, UpstreamRequest } from "./connector.ts";

export interface FetchedBody {
  readonly status: number;
  readonly headers: ReplyHeaders;
  readonly body: Buffer;
}

export interface DocumentLimits {
  /** For messages: who is asked. */
  readonly provider: string;
  readonly allowPrivate: boolean;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

export type HttpGet = (
  url: string,
  headers: Readonly<Record<string, string>>,
  limits: DocumentLimits,
) => Promise<FetchedBody>;

/** Fetches small documents whole, through the connector and its rules. Throws what that fails with, and `upstream_broke` past `maxBytes`. */
export function httpGet(connector: Connector): HttpGet {
  return (address, headers, limits) => {
    const url = new URL(address);
    const request: UpstreamRequest = {
      provider: limits.provider,
      allowPrivate: limits.allowPrivate,
      origin: url.origin,
      path: url.pathname + url.search,
      method: "GET",
      headers: Object.entries({ "accept-encoding": "identity", ...headers }).flat(),
      body: null,
    };
    return fetchWhole(connector, request, limits);
  };
}

function fetchWhole(connector: Connector, request: UpstreamRequest, limits: DocumentLimits): Promise<FetchedBody> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    let status = 0;
    let head: ReplyHeaders = {};
    const finish = (act: () => void): void => {
      clearTimeout(timer);
      act();
    };
    const giveUp = (error: AppError): void => {
      call?.abort();
      finish(() => reject(error));
    };
    const timer = setTimeout(
      () => giveUp(new AppError("upstream_timeout", { provider: request.provider, seconds: limits.timeoutMs / 1000 })),
      limits.timeoutMs,
    );
    const listener: UpstreamListener = {
      onHead(answered, headers) {
        status = answered;
        head = headers;
      },
      onData(chunk) {
        sizeBytes += chunk.length;
        if (sizeBytes > limits.maxBytes) giveUp(new AppError("upstream_broke", { provider: request.provider }));
        else chunks.push(chunk);
      },
      onEnd: () => finish(() => resolve({ status, headers: head, body: Buffer.concat(chunks) })),
      onFailure: (error) => finish(() => reject(error)),
    };
    let call: UpstreamCall | undefined;
    try {
      call = connector.send(request, listener);
    } catch (error) {
      finish(() => reject(asAppError(error)));
    }
  });
}
