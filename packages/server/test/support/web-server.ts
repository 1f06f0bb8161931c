/** An HTTP or HTTPS server for a test, which answers as it is told, misbehaves on request and can be switched off. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TlsCertificate } from "./tls-certificate.ts";

export interface WebRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface WebAnswer {
  readonly status: number;
  /** Text as it is; anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How every answer goes wrong, if it does. */
export type WebFault = "silent" | "dripping" | "malformed" | "huge" | "redirect" | "reset" | "compressed" | undefined;

export interface WebServer {
  readonly url: string;
  readonly requests: WebRequest[];
  fault: WebFault;
  /** Nothing listens until it resumes. */
  pause(): Promise<void>;
  resume(): Promise<void>;
}

export async function openWebServer(
  answer: (request: WebRequest) => WebAnswer,
  tls?: TlsCertificate,
): Promise<WebServer> {
  const requests: WebRequest[] = [];
  const create = (): Server => {
    const server = tls === undefined ? createServer() : createTlsServer(tls);
    return server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const url = new URL(request.url ?? "/", `http://${request.headers.host ?? "x"}`);
        const { method = "", headers } = request;
        const asked = { method, url, headers, body: Buffer.concat(chunks).toString("utf8") };
        requests.push(asked);
        const { status, body, headers: own } = answer(asked);
        const text = typeof body === "string" ? body : JSON.stringify(body ?? "");
        if (misbehave(found.fault, response)) return;
        response.writeHead(status, own).end(body === undefined ? "" : text);
      });
    });
  };
  let server = create().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const found: WebServer = {
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    requests,
    fault: undefined,
    async pause() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
    async resume() {
      server = create().listen(port, "127.0.0.1");
      await once(server, "listening");
    },
  };
  return found;
}

function misbehave(fault: WebFault, response: ServerResponse): boolean {
  if (fault === undefined) return false;
  if (fault === "reset") response.socket?.resetAndDestroy();
  if (fault === "malformed") response.writeHead(200).end('{"half": "canary-in-a-broken-reply');
  if (fault === "huge") response.writeHead(200).end(JSON.stringify({ filler: "x".repeat(2_000_000) }));
  if (fault === "redirect") response.writeHead(302, { location: "http://127.0.0.1:1/elsewhere" }).end();
  if (fault === "compressed") response.writeHead(200, { "content-encoding": "gzip" }).end("x");
  if (fault === "dripping") {
    response.writeHead(200).write("{");
    const timer = setInterval(() => response.write(" "), 20);
    response.on("close", () => clearInterval(timer));
  }
  return true; // "silent" answers nothing
}
