/**
 * A provider that speaks bytes: what it says, and when, is up to the test. The caller's header `x-case` chooses, which the
 * gateway passes on.
 */
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";

/** One exchange on a connection, called when the request's head has come, and told when its body has. */
export type Speak = (socket: Socket, whole: Promise<void>) => void;

export interface RawUpstream {
  readonly url: string;
  /** Connections that were opened so far. */
  connections: number;
  close(): Promise<void>;
}

/** Starts one. A case that is not in `cases` gets the `usual` one. */
export async function startRawUpstream(cases: ReadonlyMap<string, Speak>, usual: Speak): Promise<RawUpstream> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    upstream.connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => undefined);
    readRequests(socket, (name, whole) => (cases.get(name) ?? usual)(socket, whole));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const upstream: RawUpstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: 0,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
  return upstream;
}

/** Requests as the gateway sends them: a head, and a body of the length it states. */
function readRequests(socket: Socket, onRequest: (name: string, whole: Promise<void>) => void): void {
  let received = Buffer.alloc(0);
  let missingBytes = 0;
  let finish: (() => void) | undefined;
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    for (;;) {
      if (finish === undefined) {
        const end = received.indexOf("\r\n\r\n");
        if (end === -1) return;
        const head = received.toString("latin1", 0, end);
        received = received.subarray(end + 4);
        missingBytes = Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0);
        const whole = Promise.withResolvers<void>();
        finish = whole.resolve;
        onRequest(/^x-case: (.*)$/im.exec(head)?.[1] ?? "", whole.promise);
      }
      const taken = Math.min(missingBytes, received.length);
      missingBytes -= taken;
      received = received.subarray(taken);
      if (missingBytes > 0) return;
      finish();
      finish = undefined;
    }
  });
}

const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 };

/** A whole chat completion of 11 and 7 tokens. */
export const chatReply = JSON.stringify({
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }],
  usage,
});

/** The same as a stream. */
export const chatEvents = [
  { choices: [{ index: 0, delta: { role: "assistant", content: "hi" } }] },
  { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
  { choices: [], usage },
]
  .map((event) => `data: ${JSON.stringify(event)}\n\n`)
  .concat("data: [DONE]\n\n")
  .join("");

export const jsonHead = (bytes: number): string =>
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n`;

export const streamHead = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

export const chunked = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

/** Each reply with its head, as it is on the wire. */
export const wholeReply = jsonHead(chatReply.length) + chatReply;
export const wholeStream = `${streamHead}${chunked(chatEvents)}0\r\n\r\n`;
