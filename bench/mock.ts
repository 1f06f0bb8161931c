/**
 * The provider behind every system: answers any request with the reply of one scenario, made beforehand. Arguments:
 * the scenario and the port. It ends when its standard input does, that is with the bench.
 */
import { createServer, type ServerResponse } from "node:http";
import { scenario } from "./scenarios.ts";

const { reply } = scenario(process.argv[2] ?? "");
const length = reply.events > 0 ? {} : { "content-length": reply.chunks[0]?.length ?? 0 };

function writeFrom(response: ServerResponse, index: number): void {
  if (response.destroyed) return;
  if (index === reply.chunks.length - 1) {
    response.end(reply.chunks[index]);
    return;
  }
  response.write(reply.chunks[index]);
  setImmediate(writeFrom, response, index + 1);
}

const server = createServer((request, response) => {
  request.resume();
  request.once("end", () => {
    response.writeHead(200, { "content-type": reply.contentType, ...length });
    writeFrom(response, 0);
  });
});
server.keepAliveTimeout = 0;
server.listen(Number(process.argv[3]), "127.0.0.1");
process.stdin.resume().once("end", () => process.exit(0));
