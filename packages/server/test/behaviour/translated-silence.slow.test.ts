import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { endpoints } from "@portcullis/contract";
import { openGate } from "../support/gateway.ts";
import { openStream, type DialectId } from "./ask.ts";

/* A provider that has begun its stream and thinks for a long time: what its callers get meanwhile, each in its own dialect. */

const chat = (document: object): string => `data: ${JSON.stringify(document)}\n\n`;
const chunk = (delta: object, finish: string | null = null): string =>
  chat({ choices: [{ index: 0, delta, finish_reason: finish }] });
const silent: ServerResponse[] = [];
const server = createServer((request, response) => {
  request.resume().on("end", () => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(chunk({ content: "Let me see." }));
    silent.push(response);
  });
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
after(() => server.close());

const gate = await openGate();
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const input = { id: "slow", dialect: "openai-chat", base_url: url, allow_private: true, api_key: "sk-0" } as const;
await gate.admin.call(endpoints.providers.create, { input });

const pings: Readonly<Partial<Record<DialectId, RegExp>>> = {
  "anthropic-messages": /event: ping\ndata: \{"type": ?"ping"\}\n\n/g,
  gemini: /: keep-alive\n\n/g,
  ollama: /\{[^\n]*"content":""[^\n]*\}\n/g,
  "openai-responses": /^: .*\n\n|event: keepalive\n/gm,
};

test("a stream is kept open while the provider is silent, between whole frames, and ends as if nothing had been", async () => {
  const open = await Promise.all(
    (Object.keys(pings) as DialectId[]).map(async (dialect) => {
      const stream = await openStream(gate, dialect, { body: { model: "slow/m" } });
      stream.incoming.socket.setTimeout(0); // this client waits
      return { dialect, stream };
    }),
  );
  await wait(500);
  const before = open.map(({ stream }) => stream.text().length);
  await wait(12_500);
  for (const [index, { dialect, stream }] of open.entries()) {
    const meanwhile = stream.text().slice(before[index]);
    assert.equal(meanwhile.match(pings[dialect] ?? /^$/)?.length, 1, `${dialect}: ${JSON.stringify(meanwhile)}`);
    assert.equal(meanwhile.replace(pings[dialect] ?? "", ""), "", dialect);
  }
  for (const response of silent) response.end(`${chunk({ content: " Done." })}${chunk({}, "stop")}data: [DONE]\n\n`);
  for (const { dialect, stream } of open) {
    assert.equal(await stream.over, "ended", dialect);
    assert.match(stream.text(), /Done\./, dialect);
  }
});
