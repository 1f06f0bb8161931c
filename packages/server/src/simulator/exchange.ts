import type { Clock } from "../kernel/clock.ts";
import { AppError, describe } from "../kernel/errors.ts";
import { anthropicMessages } from "./anthropic.ts";
import { problemOf } from "./anthropic-request.ts";
import { openaiChat } from "./chat.ts";
import { modelList } from "./models.ts";
import type { Outgoing } from "./pace.ts";
import { answerTo, type Ask } from "./reply.ts";
import { createResponses } from "./responses.ts";
import { type Occasion, parseScript, type Script } from "./scenario.ts";
import {
  anthropicFailure,
  type Call,
  type Failure,
  type House,
  type IdSource,
  messageFor,
  openaiFailure,
  type Rendering,
  type Vendor,
} from "./vendor.ts";
import { isObject } from "./wire.ts";

/** A request as it came in. */
export interface Incoming {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Header values by lower-case name. */
  readonly header: (name: string) => string | undefined;
  readonly bytes: Buffer;
}

/** What is sent, and the script for how. */
export interface Decision {
  readonly outgoing: Outgoing;
  readonly script: Script;
}

export interface ExchangeParts {
  readonly clock: Clock;
  readonly nextId: IdSource;
  /** The keys that are accepted; without it, every key is. */
  readonly apiKeys: ReadonlySet<string> | undefined;
  readonly scriptFor: (occasion: Occasion) => Script | undefined;
}

type Place =
  | { readonly kind: "models" }
  | { readonly kind: "count" }
  | { readonly kind: "inference"; readonly vendor: Vendor };

/** The paths in front of `/v1` under which providers serve these APIs. */
const prefixes = ["", "/anthropic", "/api", "/inference", "/openai"];

/** Decides what a request is answered with: a vendor's whole behaviour but the sending. */
export function createExchange(parts: ExchangeParts): (incoming: Incoming) => Decision {
  const places = new Map<string, Place>();
  const responses = createResponses();
  for (const prefix of prefixes) {
    places.set(`${prefix}/v1/messages`, { kind: "inference", vendor: anthropicMessages });
    places.set(`${prefix}/v1/messages/count_tokens`, { kind: "count" });
    places.set(`${prefix}/v1/chat/completions`, { kind: "inference", vendor: openaiChat });
    places.set(`${prefix}/v1/responses`, { kind: "inference", vendor: responses });
    places.set(`${prefix}/v1/models`, { kind: "models" });
  }
  return (incoming) => {
    const place = places.get(incoming.path);
    const house = houseOf(place, incoming);
    const desk = createDesk(house, parts.nextId);
    if (incoming.method === "HEAD")
      return { outgoing: { status: 200, headers: {}, parts: [""], isStream: false }, script: {} };
    const refused =
      place === undefined
        ? notFound(incoming)
        : (methodFailure(place, incoming) ?? keyFailure(house, incoming, parts.apiKeys));
    if (place === undefined || refused !== undefined)
      return { outgoing: desk.refuse(refused ?? notFound(incoming)), script: {} };
    return decide(place, incoming, desk, parts);
  };
}

function houseOf(place: Place | undefined, { header }: Incoming): House {
  if (place?.kind === "count") return "anthropic";
  if (place?.kind === "inference") return place.vendor.dialect === "anthropic-messages" ? "anthropic" : "openai";
  return header("anthropic-version") !== undefined || header("x-api-key") !== undefined ? "anthropic" : "openai";
}

function notFound({ method, path }: Incoming): Failure {
  return { status: 404, message: `Invalid URL (${method} ${path})`, code: "unknown_url" };
}

function methodFailure(place: Place, { method, path }: Incoming): Failure | undefined {
  const allowed = place.kind === "models" ? "GET" : "POST";
  return method === allowed
    ? undefined
    : { status: 405, message: `${path} takes ${allowed}, not ${method}`, code: "method_not_supported" };
}

function presentedKey(house: House, { header }: Incoming): string {
  const own = house === "anthropic" ? header("x-api-key") : undefined;
  return own ?? /^Bearer (.+)$/i.exec(header("authorization") ?? "")?.[1] ?? "";
}

function keyFailure(house: House, incoming: Incoming, apiKeys: ReadonlySet<string> | undefined): Failure | undefined {
  const key = presentedKey(house, incoming);
  if (key !== "" && (apiKeys === undefined || apiKeys.has(key))) return undefined;
  if (house === "anthropic")
    return { status: 401, message: key === "" ? "x-api-key header is required" : "invalid x-api-key" };
  if (key !== "") return { status: 401, message: `Incorrect API key provided: ${key.slice(0, 3)}***${key.slice(-4)}.` };
  return {
    status: 401,
    message: "You didn't provide an API key. Send it as `Authorization: Bearer YOUR_KEY`.",
    code: "missing_api_key",
  };
}

/** Makes the vendor's responses. */
interface Desk {
  readonly house: House;
  refuse(failure: Failure): Outgoing;
  json(body: string): Outgoing;
  stream(events: readonly string[]): Outgoing;
}

function createDesk(house: House, nextId: IdSource): Desk {
  const requestId = nextId("req_01", 22);
  const idHeader = house === "anthropic" ? { "request-id": requestId } : { "x-request-id": requestId };
  const json = (body: string, status = 200): Outgoing => ({
    status,
    headers: { "content-type": "application/json", ...idHeader },
    parts: [body],
    isStream: false,
  });
  return {
    house,
    json,
    refuse: (failure) =>
      json(
        JSON.stringify(house === "anthropic" ? anthropicFailure(failure, requestId) : openaiFailure(failure)),
        failure.status,
      ),
    stream: (events) => ({
      status: 200,
      headers: { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", ...idHeader },
      parts: events,
      isStream: true,
    }),
  };
}

function decide(place: Place, incoming: Incoming, desk: Desk, parts: ExchangeParts): Decision {
  const call = callOf(incoming);
  const vendor = place.kind === "inference" ? place.vendor : anthropicMessages;
  const ask = vendor.read(call ?? { ...incoming, body: {} });
  const key = presentedKey(desk.house, incoming);
  let script: Script;
  try {
    const own = ownScript(incoming);
    script = { ...parts.scriptFor({ model: ask.model, text: ask.text, path: incoming.path, key }), ...own };
  } catch (error) {
    return { outgoing: desk.refuse({ status: 400, message: describe(error) }), script: {} };
  }
  const outgoing =
    scriptedResponse(script, desk, key) ?? normalResponse({ place, vendor, call, ask, script, desk, parts });
  return { outgoing: { ...outgoing, headers: { ...outgoing.headers, ...scriptedHeaders(script) } }, script };
}

/** The request with its body parsed, or nothing if it is not a JSON object. */
function callOf(incoming: Incoming): Call | undefined {
  if (incoming.method === "GET") return { ...incoming, body: {} };
  try {
    const body: unknown = JSON.parse(incoming.bytes.toString());
    return isObject(body) ? { header: incoming.header, bytes: incoming.bytes, body } : undefined;
  } catch {
    return undefined;
  }
}

function ownScript({ header }: Incoming): Script {
  const text = header("x-simulator");
  if (text === undefined) return {};
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new AppError("invalid_request", { problem: "the header x-simulator is not JSON" }, { cause: error });
  }
  return parseScript(json);
}

/** What the script answers with in the vendor's place, if it does. */
function scriptedResponse(script: Script, desk: Desk, key: string): Outgoing | undefined {
  if (script.body !== undefined) {
    const type = script.contentType ?? "application/json";
    return { status: script.status ?? 200, headers: { "content-type": type }, parts: [script.body], isStream: false };
  }
  if (script.redirect !== undefined) {
    return { status: script.status ?? 307, headers: { location: script.redirect }, parts: [""], isStream: false };
  }
  if (script.status === undefined || script.status < 400 || script.errorAtEvent !== undefined) return undefined;
  return desk.refuse(scriptedFailure(script, script.status, key));
}

function scriptedFailure(script: Script, status: number, key: string): Failure {
  const message = script.message ?? messageFor(status);
  return {
    status,
    message: script.echoKey === true ? `${message} (key: ${key})` : message,
    type: script.errorType,
    code: script.errorCode,
  };
}

function scriptedHeaders(script: Script): Readonly<Record<string, string>> {
  const headers: Record<string, string> = { ...script.headers };
  if (script.retryAfterSeconds !== undefined) headers["retry-after"] = String(script.retryAfterSeconds);
  for (let left = script.headerBytes ?? 0, index = 0; left > 0; left -= 4000, index++)
    headers[`x-filler-${index}`] = "f".repeat(Math.min(left, 4000));
  return headers;
}

interface Matter {
  readonly place: Place;
  readonly vendor: Vendor;
  readonly call: Call | undefined;
  readonly ask: Ask;
  readonly script: Script;
  readonly desk: Desk;
  readonly parts: ExchangeParts;
}

function normalResponse(matter: Matter): Outgoing {
  const { place, vendor, call, ask, script, desk, parts } = matter;
  if (place.kind === "models") return desk.json(modelList(desk.house));
  if (call === undefined)
    return desk.refuse({ status: 400, message: "The request body is not a JSON object.", code: "invalid_json" });
  const failure =
    script.lenient === true ? undefined : place.kind === "count" ? countFailure(call) : vendor.check(call);
  if (failure !== undefined) return desk.refuse(failure);
  if (place.kind === "count")
    return desk.json(
      JSON.stringify({
        input_tokens: ask.prompt.input + ask.prompt.cacheRead + ask.prompt.cacheWrite + ask.prompt.cacheWrite1h,
      }),
    );
  const rendering: Rendering = {
    answer: answerTo(ask, script),
    body: call.body,
    nextId: parts.nextId,
    createdSeconds: Math.floor(parts.clock.now() / 1000),
    withUsage: script.omit?.includes("usage") !== true,
  };
  return ask.stream && script.json !== true
    ? desk.stream(eventsOf(vendor, rendering, script, presentedKey(desk.house, { ...call, method: "", path: "" })))
    : desk.json(vendor.reply(rendering));
}

function countFailure(call: Call): Failure | undefined {
  const message = problemOf(call, true);
  return message === undefined ? undefined : { status: 400, message };
}

function eventsOf(vendor: Vendor, rendering: Rendering, script: Script, key: string): readonly string[] {
  const stream = vendor.events(rendering);
  if (script.errorAtEvent !== undefined) {
    const before = stream.events.slice(0, script.errorAtEvent);
    return [...before, stream.failure(scriptedFailure(script, script.status ?? 529, key), before.length)];
  }
  return script.omit?.includes("end") === true ? stream.events.slice(0, -stream.endEvents) : stream.events;
}
