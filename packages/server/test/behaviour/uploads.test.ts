import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readlinkSync, rmSync } from "node:fs";
import { request, type ClientRequest, type IncomingMessage } from "node:http";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { after, describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { openGate, send, type Gate, type Reply } from "../support/gateway.ts";
import { assertRefused, lastRow, until } from "./ask.ts";

/*
 * Forms with files. Raw bytes, since what matters is which of them reach the provider, when, and what is left of them here.
 */

const path = "/v1/audio/transcriptions";
const boundary = "------------------------d74496d66958873e";
const formType = { "content-type": `multipart/form-data; boundary=${boundary}` };
const model = "sim-chat/gpt-4o-transcribe";
const gate = await openGate();

function part(head: string, content: Buffer | string): Buffer {
  return Buffer.concat([Buffer.from(`--${boundary}\r\n${head}\r\n\r\n`), Buffer.from(content), Buffer.from("\r\n")]);
}
const field = (name: string, value: string): Buffer => part(`Content-Disposition: form-data; name="${name}"`, value);
const file = (content: Buffer | string): Buffer =>
  part('Content-Disposition: form-data; name="file"; filename="a b.wav"\r\nContent-Type: audio/wav', content);
const form = (...parts: readonly Buffer[]): Buffer => Buffer.concat([...parts, Buffer.from(`--${boundary}--\r\n`)]);

const post = (body: Buffer, headers: Readonly<Record<string, string>> = formType, to: Gate = gate): Promise<Reply> =>
  send(to.url + path, "POST", to.key, headers, body);

/** Begins an upload; the rest of the body is up to the test. */
function begin(headers: Readonly<Record<string, string>> = {}, to: Gate = gate, key = to.key): ClientRequest {
  const call = request(to.url + path, {
    method: "POST",
    agent: false,
    headers: { authorization: `Bearer ${key}`, ...formType, ...headers },
  });
  call.on("error", () => undefined);
  return call;
}

async function replyTo(call: ClientRequest): Promise<{ readonly status: number; readonly text: string }> {
  const [incoming] = (await once(call, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return { status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
}

/** Uploads that this process holds in files. */
function openUploads(): number {
  const links = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return "";
    }
  });
  return links.filter((link) => link.includes("/uploads/")).length;
}

/** A provider that does with a connection what the test says. */
async function rawProvider(id: string, serve: (socket: Socket) => void): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    serve(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  await gate.admin.call(endpoints.providers.create, {
    input: { id, dialect: "openai-chat", base_url: `http://127.0.0.1:${port}`, allow_private: true },
  });
}

describe("a form goes to the provider byte for byte but for the model's name", () => {
  const noise = randomBytes(700_000);
  const forms: Readonly<Record<string, Buffer>> = {
    "small, the model first": form(field("model", model), file("sound"), field("temperature", "0")),
    "small, the model last": form(file("\r\n\r\n--\r\n"), field("prompt", "Grüße"), field("model", model)),
    "large, the model last": form(file(noise), field("model", model)),
    "large, the model first": form(field("model", model), file(noise)),
    "with heads of another making": form(
      part("content-type: text/plain; charset=utf-8\r\ncontent-disposition:form-data;name=model", model),
      file(noise.subarray(0, 300_000)),
    ),
  };
  for (const [name, sent] of Object.entries(forms)) {
    test(name, async () => {
      const reply = await post(sent);
      assert.equal(reply.status, 200, reply.body.toString());
      const got = gate.simulator.requests.at(-1);
      assert.ok(got);
      const at = sent.indexOf(model);
      const expected = Buffer.concat([
        sent.subarray(0, at),
        Buffer.from("gpt-4o-transcribe"),
        sent.subarray(at + model.length),
      ]);
      assert.ok(got.body.equals(expected));
      const headers = got.headers.map((text) => text.toLowerCase());
      assert.equal(headers[headers.indexOf("content-length") + 1], String(expected.length));
      assert.equal(headers[headers.indexOf("content-type") + 1], formType["content-type"]);
      assert.ok(!headers.includes("transfer-encoding"));
      assert.equal((await lastRow(gate)).request_bytes, sent.length);
      await until("nothing of it is left", () => openUploads() === 0);
    });
  }

  test("and the length that its part states", async () => {
    const head = `Content-Disposition: form-data; name="model"\r\nContent-Length: ${model.length}`;
    assert.equal((await post(form(part(head, model), file("x")))).status, 200);
    const got = gate.simulator.requests.at(-1)?.body.toString() ?? "";
    assert.match(got, /\r\nContent-Length: 17\r\n\r\ngpt-4o-transcribe\r\n/);
  });

  test("wherever the caller cuts it, and without a length", async () => {
    const sent = form(file(noise), field("model", model));
    const call = begin();
    for (let at = 0; at < sent.length; at += 70_001) {
      if (!call.write(sent.subarray(at, at + 70_001))) await once(call, "drain");
    }
    call.end();
    assert.equal((await replyTo(call)).status, 200);
    assert.equal(gate.simulator.requests.at(-1)?.body.length, sent.length - "sim-chat/".length);
  });
});

describe("a form is refused before the provider is asked", () => {
  const good = form(file("sound"), field("model", model));
  const refusals: readonly (readonly [
    string,
    Buffer,
    Readonly<Record<string, string>>,
    number,
    Parameters<typeof assertRefused>[3],
  ])[] = [
    ["that breaks off", good.subarray(0, -20), formType, 400, "invalid_form"],
    ["with two models", form(field("model", model), field("model", "x")), formType, 400, "invalid_form"],
    ["without a model", form(file("sound")), formType, 400, "missing_field"],
    ["with an empty model", form(field("model", "")), formType, 400, "invalid_request"],
    ["with a model that is not served", form(field("model", "nobody/m")), formType, 404, "model_not_found"],
    ["with another boundary", good, { "content-type": "multipart/form-data; boundary=x" }, 400, "invalid_form"],
    ["without a boundary", good, { "content-type": "multipart/form-data" }, 400, "invalid_form"],
    ["that is JSON", Buffer.from("{}"), { "content-type": "application/json" }, 415, "unsupported_media_type"],
    ["without a type", good, { "content-type": "" }, 415, "unsupported_media_type"],
  ];
  for (const [name, body, headers, status, code] of refusals) {
    test(name, async () => {
      const before = gate.simulator.requests.length;
      assertRefused("openai-chat", await post(body, headers), status, code);
      assert.equal(gate.simulator.requests.length, before);
      await until("nothing of it is left", () => openUploads() === 0);
    });
  }

  test("past the size that is allowed, whether it says so or not", async () => {
    const small = await openGate({ environment: { PORTCULLIS_SERVER_BODY_LIMIT_BYTES: "524288" } });
    const body = form(file(Buffer.alloc(600_000)), field("model", model));
    assertRefused("openai-chat", await post(body, formType, small), 413, "body_too_large");
    const call = begin({}, small);
    call.write(body);
    assert.equal((await replyTo(call)).status, 413);
    call.destroy();
    assert.equal(small.simulator.requests.length, 0);
    await until("nothing of it is left", () => openUploads() === 0);
    await small.close();
  });

  test("that stalls, in time", async () => {
    const hasty = await openGate({ environment: { PORTCULLIS_SERVER_BODY_TIMEOUT: "1s" } });
    const call = begin({ "content-length": "900000" }, hasty);
    call.write(form(file(Buffer.alloc(400_000))).subarray(0, 350_000));
    await until("it lies in a file", () => openUploads() === 1);
    const { status, text } = await replyTo(call);
    assert.equal(status, 408, text);
    await until("nothing of it is left", () => openUploads() === 0);
    call.destroy();
    await hasty.close();
  });

  test("that cannot be stored, with a word to the operator", async () => {
    const full = await openGate();
    rmSync(`${full.home}/uploads`, { recursive: true });
    const reply = await post(form(file(Buffer.alloc(400_000)), field("model", model)), formType, full);
    assertRefused("openai-chat", reply, 503, "upload_not_stored");
    assert.ok(full.logLines.some((line) => line.includes("upload_not_stored") && line.includes("ENOENT")));
    assert.equal((await post(form(file("small"), field("model", model)), formType, full)).status, 200);
    await full.close();
  });
});

describe("an upload that waits to be asked for (`Expect: 100-continue`)", () => {
  const body = form(file(Buffer.alloc(300_000, 1)), field("model", model));
  const waiting = { expect: "100-continue", "content-length": String(body.length) };

  test("is asked for once the key is accepted, and then taken", async () => {
    const call = begin(waiting);
    call.flushHeaders();
    await once(call, "continue");
    call.end(body);
    assert.equal((await replyTo(call)).status, 200);
  });

  test("is not asked for from whom nothing is taken", async () => {
    const call = begin(waiting, gate, "pc_0000000000000000_wrong");
    let asked = false;
    call.on("continue", () => (asked = true));
    call.flushHeaders();
    assert.equal((await replyTo(call)).status, 401);
    assert.equal(asked, false);
    call.destroy();
  });
});

describe("nothing of an upload is left", () => {
  const large = form(file(Buffer.alloc(3_000_000, 7)), field("model", "raw/m"));

  test("when the caller leaves in the middle of it", async () => {
    const before = gate.simulator.requests.length;
    const call = begin({ "content-length": "3000000" });
    call.write(large.subarray(0, 1_000_000));
    await until("it lies in a file", () => openUploads() === 1);
    call.destroy();
    await until("nothing of it is left", () => openUploads() === 0);
    assert.equal(gate.simulator.requests.length, before);
  });

  test("at whatever moment the caller leaves, the last byte being under way or not", async () => {
    const body = form(file(Buffer.alloc(400_000, 7)), field("model", model));
    for (let turns = 0; turns < 40; turns++) {
      const call = begin({ "content-length": String(body.length) });
      call.end(body);
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => void setImmediate(resolve));
      call.destroy();
    }
    await until("nothing of them is left", () => openUploads() === 0, 5000);
    await gate.simulator.idle();
  });

  test("when the caller leaves while it is being sent on", async () => {
    let received = 0;
    await rawProvider("slow", (socket) => {
      socket.once("data", (chunk: Buffer) => {
        received += chunk.length;
        socket.pause();
      });
    });
    const call = begin();
    call.end(form(file(Buffer.alloc(20_000_000, 7)), field("model", "slow/m")));
    await until("the provider has the beginning", () => received > 0, 5000);
    assert.equal(openUploads(), 1);
    call.destroy();
    await until("nothing of it is left", () => openUploads() === 0);
    assert.equal((await lastRow(gate)).outcome, "aborted");
  });

  test("when the provider answers before it has read it, and the caller gets that answer", async () => {
    await rawProvider("raw", (socket) => {
      socket.once("data", () => {
        const refusal = '{"error":{"message":"too large","type":"invalid_request_error"}}';
        const head = `HTTP/1.1 413 Payload Too Large\r\ncontent-type: application/json\r\nconnection: close\r\n`;
        socket.write(`${head}content-length: ${refusal.length}\r\n\r\n${refusal}`);
      });
    });
    const reply = await post(large);
    assert.equal(reply.status, 413);
    assert.match(reply.body.toString(), /too large/);
    await until("nothing of it is left", () => openUploads() === 0);
  });

  test("when the provider breaks off while it is sent", async () => {
    await rawProvider("breaks", (socket) => {
      socket.once("data", () => socket.resetAndDestroy());
    });
    const reply = await post(form(file(Buffer.alloc(3_000_000, 7)), field("model", "breaks/m")));
    assert.equal(reply.status, 502);
    await until("nothing of it is left", () => openUploads() === 0);
  });
});
