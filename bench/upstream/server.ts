/**
 * The provider behind every system: answers any POST with the reply of one exchange, made beforehand, on bare sockets so
 * that it costs as little as it can. `GET /` answers with what it has counted. Arguments: an `ExchangeSpec` as JSON and
 * the port. It ends when its standard input does, that is with the bench.
 */
import { createServer, type Socket } from "node:net";
import { exchangeOf, type ExchangeSpec } from "../exchanges.ts";
import { MessageReader } from "../message-reader.ts";

/** Since it was started. */
export interface UpstreamCounts {
  requests: number;
  /** Replies that were written to their end. */
  whole: number;
  /** Replies whose connection the other side closed before the end. */
  cut: number;
  bytes: number;
}

const [spec = "", port] = process.argv.slice(2);
const { reply } = exchangeOf(JSON.parse(spec) as ExchangeSpec); // only upstream/start.ts starts this program
const counts: UpstreamCounts = { requests: 0, whole: 0, cut: 0, bytes: 0 };

const framing = reply.isStream ? "transfer-encoding: chunked" : `content-length: ${reply.bytes}`;
const head = Buffer.from(
  `HTTP/1.1 ${reply.status} Bench\r\ncontent-type: ${reply.contentType}\r\nconnection: keep-alive\r\n${framing}\r\n\r\n`,
);
const framed = new Map(reply.chunks.map((chunk) => [chunk, reply.isStream ? frame(chunk) : chunk]));
const end = reply.isStream ? "0\r\n\r\n" : "";
const pieces = reply.chunks.map((chunk) => framed.get(chunk) ?? chunk);
pieces.push(Buffer.concat([pieces.pop() ?? Buffer.alloc(0), Buffer.from(end)]));

function frame(chunk: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n")]);
}

/** Writes one reply, piece by piece, and waits while the other side does not take it. */
class Replying {
  readonly #socket: Socket;
  #next = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    counts.requests += 1;
    if (reply.delayMs > 0) setTimeout(() => this.#begin(), reply.delayMs);
    else this.#begin();
  }

  get isOver(): boolean {
    return this.#next === pieces.length;
  }

  #begin(): void {
    this.#socket.cork();
    this.#socket.write(head);
    this.#writeNext();
    this.#socket.uncork();
  }

  #writeNext(): void {
    if (this.#socket.destroyed) return;
    const piece = pieces[this.#next] ?? Buffer.alloc(0);
    this.#next += 1;
    counts.bytes += piece.length;
    const flowing = this.#socket.write(piece);
    if (this.isOver) counts.whole += 1;
    else if (!flowing) this.#socket.once("drain", () => this.#writeNext());
    else if (reply.everyMs > 0) setTimeout(() => this.#writeNext(), reply.everyMs);
    else setImmediate(() => this.#writeNext());
  }
}

function answerCounts(socket: Socket): void {
  const body = JSON.stringify(counts);
  socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
}

const server = createServer({ noDelay: true }, (socket) => {
  const reader = new MessageReader();
  let replying: Replying | undefined;
  socket.on("data", (bytes: Buffer) => {
    try {
      if (!reader.read(bytes)) return;
    } catch {
      socket.destroy(); // the one who asks sees a broken connection and says so
      return;
    }
    const isPost = reader.startLine.startsWith("POST ");
    reader.reset();
    if (isPost) replying = new Replying(socket);
    else answerCounts(socket);
  });
  socket.on("error", () => {}); // "close" follows
  socket.on("close", () => {
    if (replying?.isOver === false) counts.cut += 1;
  });
});
server.listen({ port: Number(port), host: "127.0.0.1", backlog: 4_096 });
process.stdin.resume().once("end", () => process.exit(0));
