import { AppError } from "../kernel/errors.ts";
import type { Connector, UpstreamRequest } from "./connector.ts";

export interface FetchedBody {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
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
    let head: FetchedBody["headers"] = {};
    const finish = (act: () => void): void => {
      clearTimeout(timer);
      act();
    };
    const giveUp = (error: AppError): void => {
      call.abort();
      finish(() => reject(error));
    };
    const call = connector.send(request, {
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
    });
    const timer = setTimeout(
      () => giveUp(new AppError("upstream_timeout", { provider: request.provider, seconds: limits.timeoutMs / 1000 })),
      limits.timeoutMs,
    );
  });
}
