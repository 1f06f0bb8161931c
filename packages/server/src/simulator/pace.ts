import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { constants, createGzip } from "node:zlib";
import type { Script } from "./script.ts";

/** A response that is ready to be sent. */
export interface Outgoing {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body: the events of a stream, or one part. */
  readonly parts: readonly Part[];
  readonly isStream: boolean;
  /** Line ending of a stream whose script names none; LF if it is left out. */
  readonly newline?: "lf" | "crlf";
}

/** Text, or sound. */
export type Part = string | Buffer;

/** How a response ended: whole, broken off by its script, or left by the client. */
export type Ending = "sent" | "dropped" | "left";

const endings = { lf: "\n", crlf: "\r\n", cr: "\r" };

/** Sends a response in the way its script says. `onBytes` is told what was handed to the connection, before compression. */
export async function deliver(
  response: ServerResponse,
  outgoing: Outgoing,
  script: Script,
  onBytes: (sizeBytes: number) => void,
): Promise<Ending> {
  const dressed = outgoing.isStream ? { ...outgoing, parts: dress(outgoing, script) } : outgoing;
  if (isPlain(script)) return sendWhole(response, dressed, onBytes);
  if (script.hang === true) return await silence(response);
  if (script.delayMs !== undefined) await wait(response, script.delayMs);
  return response.destroyed ? "left" : await perform(response, dressed, script, onBytes);
}

async function perform(
  response: ServerResponse,
  outgoing: Outgoing,
  script: Script,
  onBytes: (sizeBytes: number) => void,
): Promise<Ending> {
  const { drop } = script;
  const isBeforeHead = drop !== "end" && (script.dropAtEvent ?? script.dropAtByte) === undefined;
  if (drop !== undefined && isBeforeHead) return await breakOff(response, drop);
  sendHead(response, outgoing, script);
  if (!(await sendPieces(response, piecesOf(outgoing.parts, script), script, onBytes))) return "left";
  if (drop !== undefined) return await breakOff(response, drop);
  response.end();
  return "sent";
}

const paced = ["hang", "delayMs", "paceMs", "chunkBytes", "gzip", "drop"] as const;

function isPlain(script: Script): boolean {
  return script.writes !== "event" && paced.every((option) => script[option] === undefined || script[option] === false);
}

function sendWhole(response: ServerResponse, outgoing: Outgoing, onBytes: (sizeBytes: number) => void): Ending {
  const { parts } = outgoing;
  const body = joined(parts);
  const sizeBytes = Buffer.byteLength(body);
  const length = outgoing.isStream ? undefined : { "content-length": String(sizeBytes) };
  onBytes(sizeBytes);
  response.writeHead(outgoing.status, { ...outgoing.headers, ...length });
  response.end(body);
  return "sent";
}

function joined(parts: readonly Part[]): Part {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  return parts.some((part) => typeof part !== "string") ? Buffer.concat(parts.map(bytesOf)) : parts.join("");
}

function bytesOf(part: Part): Buffer {
  return typeof part === "string" ? Buffer.from(part) : part;
}

/** Line endings, comments, byte order mark. */
function dress({ parts: events, newline: usual = "lf" }: Outgoing, script: Script): readonly Part[] {
  const newline = endings[script.newline ?? usual];
  if (script.comments !== true && script.bom !== true && newline === "\n") return events;
  return events.map((event, index) => {
    if (typeof event !== "string") return event;
    const whole = script.comments === true ? `: keep-alive ${index}\n\n${event}` : event;
    const ended = newline === "\n" ? whole : whole.replaceAll("\n", newline);
    return script.bom === true && index === 0 ? `\ufeff${ended}` : ended;
  });
}

/** The writes to make, up to where the script breaks off. */
function piecesOf(parts: readonly Part[], script: Script): readonly Buffer[] {
  const isDropped = script.drop !== undefined;
  const isPlaced = (script.dropAtEvent ?? script.dropAtByte) !== undefined;
  const kept = isDropped ? parts.slice(0, isPlaced ? script.dropAtEvent : 0) : parts;
  const isByEvent = script.writes === "event" || (script.writes === undefined && script.paceMs !== undefined);
  const dropAtByte = isDropped ? script.dropAtByte : undefined;
  if (isByEvent && script.chunkBytes === undefined && dropAtByte === undefined) return kept.map(bytesOf);
  const body = bytesOf(joined(kept)).subarray(0, dropAtByte);
  const sizeBytes = script.chunkBytes ?? Math.max(1, body.length);
  const count = Math.ceil(body.length / sizeBytes);
  return Array.from({ length: count }, (_, index) => body.subarray(index * sizeBytes, (index + 1) * sizeBytes));
}

function sendHead(response: ServerResponse, outgoing: Outgoing, script: Script): void {
  const isSized = !outgoing.isStream && script.gzip !== true && script.drop !== "end";
  response.writeHead(outgoing.status, {
    ...outgoing.headers,
    ...(isSized && { "content-length": String(Buffer.byteLength(joined(outgoing.parts))) }),
    ...(script.gzip === true && { "content-encoding": "gzip" }),
  });
  response.flushHeaders();
}

/** Writes the pieces in their rhythm; false if the client has left meanwhile. */
async function sendPieces(
  response: ServerResponse,
  pieces: readonly Buffer[],
  script: Script,
  onBytes: (sizeBytes: number) => void,
): Promise<boolean> {
  const gzip = script.gzip === true ? createGzip({ flush: constants.Z_SYNC_FLUSH }) : undefined;
  gzip?.on("data", (data: Buffer) => response.write(data));
  const sink = gzip ?? response;
  for (const [index, piece] of pieces.entries()) {
    if (index > 0) await wait(response, script.paceMs ?? 0);
    if (response.destroyed) return false;
    const isTaken = sink.write(piece);
    onBytes(piece.length);
    if (!isTaken && !(await drained(response, sink))) return false;
  }
  if (gzip !== undefined) {
    gzip.end();
    await once(gzip, "end");
  }
  return !response.destroyed;
}

async function breakOff(response: ServerResponse, drop: NonNullable<Script["drop"]>): Promise<Ending> {
  if (drop === "stall") return await silence(response);
  if (drop === "end") {
    response.end();
    return "dropped";
  }
  await wait(response, 0); // lets what was written reach the client
  if (drop === "reset") response.socket?.resetAndDestroy();
  else response.destroy();
  return "dropped";
}

/** Waits until the client gives up. */
async function silence(response: ServerResponse): Promise<Ending> {
  if (!response.destroyed) await new Promise((resolve) => response.once("close", resolve));
  return "left";
}

/** Waits so long, or until the client leaves. */
function wait(response: ServerResponse, ms: number): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  if (ms === 0) return new Promise((resolve) => void setImmediate(resolve));
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      response.off("close", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    response.once("close", done);
  });
}

/** Waits until more can be written; false if the client has left instead. */
function drained(response: ServerResponse, sink: NodeJS.WritableStream): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const settle = (isTaken: boolean): void => {
      sink.off("drain", onDrain);
      response.off("close", onClose);
      resolve(isTaken);
    };
    const onDrain = (): void => settle(true);
    const onClose = (): void => settle(false);
    sink.once("drain", onDrain);
    response.once("close", onClose);
  });
}
