import { AppError } from "../kernel/errors.ts";
import type { Connector, UpstreamRequest } from "./connector.ts";

export interface FetchedBody {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

/** Fetches a small document whole. Throws what the connector fails with, and `upstream_broke` past `maxBytes`. */
export function getDocument(
  connector: Connector,
  request: Pick<UpstreamRequest, "provider" | "headers" | "allowPrivate"> & { readonly url: string },
  limits: { readonly timeoutMs: number; readonly maxBytes: number },
): Promise<FetchedBody> {
  const url = new URL(request.url);
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
    const timer = setTimeout(
      () => giveUp(new AppError("upstream_timeout", { provider: request.provider, seconds: limits.timeoutMs / 1000 })),
      limits.timeoutMs,
    );
    const call = connector.send(
      { ...request, origin: url.origin, path: url.pathname + url.search, method: "GET", body: null },
      {
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
      },
    );
  });
}
