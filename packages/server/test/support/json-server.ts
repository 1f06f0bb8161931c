/** An HTTP server for a test, one JSON object in and one out, which can be switched off and on at the same port. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface JsonRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface JsonAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface JsonServer {
  readonly url: string;
  /** What was asked so far. */
  readonly requests: readonly JsonRequest[];
  /** Nothing listens until it resumes. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
}

export async function openJsonServer(answer: (request: JsonRequest) => JsonAnswer): Promise<JsonServer> {
  const requests: JsonRequest[] = [];
  const create = (): Server =>
    createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        const body = (text === "" ? {} : JSON.parse(text)) as Readonly<Record<string, unknown>>;
        const asked = { method: request.method ?? "", path: request.url ?? "", headers: request.headers, body };
        requests.push(asked);
        const { status, body: reply } = answer(asked);
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(reply));
      });
    });
  let server = create().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const pause = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    pause,
    async resume() {
      server = create().listen(port, "127.0.0.1");
      await once(server, "listening");
    },
    close: pause,
  };
}
