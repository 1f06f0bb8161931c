import type { Clock } from "../kernel/clock.ts";
import { describe } from "../kernel/errors.ts";
import { checkpointList } from "./a1111.ts";
import { anthropicMessages } from "./anthropic.ts";
import { messagesFailure } from "./anthropic-check.ts";
import { readMessages } from "./anthropic-request.ts";
import { openaiChat } from "./chat.ts";
import { completions } from "./completions.ts";
import { type Failure, messageFor } from "./failure.ts";
import { parseForm } from "./form.ts";
import { geminiPlace } from "./gemini-places.ts";
import { createDesk, type Desk, type House, keyFailure, keyOf } from "./house.ts";
import { modelList } from "./models.ts";
import { ollamaChat, ollamaGenerate } from "./ollama.ts";
import { ollamaPages } from "./ollama-pages.ts";
import type { Outgoing } from "./pace.ts";
import { answerTo } from "./reply.ts";
import { createResponses } from "./responses.ts";
import { responsesCount } from "./responses-count.ts";
import type { Occasion } from "./scenario.ts";
import { parseScript, type Script, unusable } from "./script.ts";
import { services } from "./services.ts";
import type { Call, IdSource, Page, Service, Stream, Vendor } from "./vendor.ts";
import { health } from "./whisper-cpp.ts";
import { isObject, stringOf } from "./wire.ts";

/** A request as it came in. */
export interface Incoming {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
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

/** What is at a path: the list of models, the counter of tokens, or one API. */
type Place = "models" | "count" | Page | Service | Vendor;

/** The paths in front of `/v1` under which providers serve these APIs. */
const prefixes = ["", "/anthropic", "/api", "/inference", "/openai"];

/** Decides what a request is answered with: a vendor's whole behaviour but the sending. */
export function createExchange(parts: ExchangeParts): (incoming: Incoming) => Decision {
  const places = createPlaces();
  return (incoming) => {
    if (incoming.method === "HEAD") {
      return { outgoing: { status: 200, headers: {}, parts: [""], isStream: false }, script: {} };
    }
    const place = geminiPlace(incoming) ?? places.get(incoming.path);
    const house = houseOf(place, incoming);
    const desk = createDesk(house, parts.nextId);
    const key = keyOf(house, incoming);
    if (place === undefined) return { outgoing: desk.refuse(unknownUrl(incoming)), script: {} };
    const failure = methodFailure(place, incoming) ?? keyFailure(house, key, parts.apiKeys);
    if (failure !== undefined) return { outgoing: desk.refuse(failure), script: {} };
    return serve(place, { incoming, desk, key, parts });
  };
}

function createPlaces(): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  const responses = createResponses();
  for (const prefix of prefixes) {
    places.set(`${prefix}/v1/messages`, anthropicMessages);
    places.set(`${prefix}/v1/messages/count_tokens`, "count");
    places.set(`${prefix}/v1/chat/completions`, openaiChat);
    places.set(`${prefix}/v1/responses`, responses);
    places.set(`${prefix}/v1/responses/input_tokens`, responsesCount);
    places.set(`${prefix}/v1/completions`, completions);
    places.set(`${prefix}/v1/models`, "models");
    for (const [path, service] of Object.entries(services)) places.set(prefix + path, service);
  }
  places.set("/v1beta/openai/chat/completions", openaiChat);
  places.set("/api/chat", ollamaChat);
  places.set("/api/generate", ollamaGenerate);
  for (const [path, page] of Object.entries(ollamaPages)) places.set(path, page);
  places.set("/health", health);
  places.set("/sdapi/v1/sd-models", checkpointList);
  return places;
}

function houseOf(place: Place | undefined, { header }: Incoming): House {
  if (place === "count") return "anthropic";
  if (place !== undefined && place !== "models") return place.house;
  return header("anthropic-version") !== undefined || header("x-api-key") !== undefined ? "anthropic" : "openai";
}

function unknownUrl({ method, path }: Incoming): Failure {
  return { status: 404, message: `Invalid URL (${method} ${path})`, code: null };
}

function methodFailure(place: Place, { method, path }: Incoming): Failure | undefined {
  const allowed = place === "models" ? "GET" : isPage(place) ? place.method : "POST";
  if (method === allowed) return undefined;
  return { status: 405, message: `${path} takes ${allowed}, not ${method}`, code: "method_not_supported" };
}

function isPage(place: Place): place is Page {
  return typeof place === "object" && "method" in place;
}

function isService(place: Place): place is Service {
  return typeof place === "object" && "takes" in place;
}

interface Matter {
  readonly incoming: Incoming;
  readonly desk: Desk;
  readonly key: string;
  readonly parts: ExchangeParts;
}

const nothing = { model: "", text: "" };

function serve(place: Place, matter: Matter): Decision {
  const { incoming, desk } = matter;
  if (place === "models") return follow(matter, nothing, () => desk.json(modelList(desk.house)));
  if (isService(place)) return render(place, matter);
  const call = isPage(place) && place.method === "GET" ? bodiless(incoming) : callOf(incoming);
  if (call === undefined) {
    return follow(matter, nothing, () =>
      desk.refuse({ status: 400, message: "The body is not a JSON object.", code: null }),
    );
  }
  if (place === "count") return count(call, matter);
  return isPage(place) ? showPage(place, call, matter) : answer(place, call, matter);
}

function showPage(page: Page, call: Call, matter: Matter): Decision {
  const { desk, parts } = matter;
  return follow(matter, { model: stringOf(call.body["model"]), text: "" }, (script) => {
    const failure = script.lenient === true ? undefined : page.check(call);
    return failure === undefined ? desk.json(page.reply(call, parts.nextId)) : desk.refuse(failure);
  });
}

function render(service: Service, matter: Matter): Decision {
  const { incoming, desk, key, parts } = matter;
  const call = service.takes === "form" ? formCallOf(incoming) : callOf(incoming);
  const wanted = service.takes === "form" ? "form (multipart/form-data)" : "JSON object";
  return follow(matter, { model: stringOf(call?.body["model"]), text: "" }, (script) => {
    if (call === undefined) return desk.refuse({ status: 400, message: `The body is not a ${wanted}.`, code: null });
    const failure = script.lenient === true ? undefined : service.check(call);
    if (failure !== undefined) return desk.refuse(failure);
    const createdSeconds = Math.floor(parts.clock.now() / 1000);
    const product = service.serve({ call, script, nextId: parts.nextId, createdSeconds });
    if ("json" in product) return desk.json(JSON.stringify(product.json));
    if ("parts" in product) return desk.raw(product.contentType, product.parts);
    return desk.stream(scriptedEvents(product, script, key));
  });
}

function count(call: Call, matter: Matter): Decision {
  const ask = readMessages(call);
  return follow(matter, ask, (script) => {
    const failure = script.lenient === true ? undefined : messagesFailure(call, "count");
    if (failure !== undefined) return matter.desk.refuse(failure);
    const { input, cacheRead, cacheWrite, cacheWrite1h } = { ...ask.prompt, ...script.usage };
    return matter.desk.json(JSON.stringify({ input_tokens: input + cacheRead + cacheWrite + cacheWrite1h }));
  });
}

function answer(vendor: Vendor, call: Call, matter: Matter): Decision {
  const { desk, key, parts } = matter;
  const ask = vendor.read(call);
  return follow(matter, ask, (script) => {
    const failure = script.lenient === true ? undefined : vendor.check(call);
    if (failure !== undefined) return desk.refuse(failure);
    const rendering = {
      answer: answerTo(ask, script),
      body: call.body,
      nextId: parts.nextId,
      createdSeconds: Math.floor(parts.clock.now() / 1000),
      withUsage: script.omit?.includes("usage") !== true,
    };
    if (!ask.stream || script.json === true) return desk.json(vendor.reply(rendering));
    const stream = vendor.events(rendering);
    return desk.stream(scriptedEvents(stream, script, key), stream.contentType);
  });
}

function scriptedEvents({ events, failure }: Stream, script: Script, key: string): readonly string[] {
  if (script.errorAtEvent === undefined) return script.omit?.includes("end") === true ? events.slice(0, -1) : events;
  const before = events.slice(0, script.errorAtEvent);
  return [...before, failure(scriptedFailure(script, script.status ?? 529, key), before.length)];
}

function bodiless({ header, bytes }: Incoming): Call {
  return { header, bytes, body: {} };
}

function formCallOf({ header, bytes }: Incoming): Call | undefined {
  const body = parseForm(header("content-type") ?? "", bytes);
  return body && { header, bytes, body };
}

/** The request with its body parsed, or nothing if it is not a JSON object. */
function callOf({ header, bytes }: Incoming): Call | undefined {
  try {
    const body: unknown = JSON.parse(bytes.toString());
    return isObject(body) ? { header, bytes, body } : undefined;
  } catch {
    return undefined;
  }
}

/** Does what the request's script says, and what is normal where it says nothing. */
function follow(
  { incoming, desk, key, parts }: Matter,
  { model, text }: { readonly model: string; readonly text: string },
  normal: (script: Script) => Outgoing,
): Decision {
  let script: Script;
  try {
    const own = ownScript(incoming);
    script = { ...parts.scriptFor({ model, text, path: incoming.path, key }), ...own };
  } catch (error) {
    return { outgoing: desk.refuse({ status: 400, message: describe(error) }), script: {} };
  }
  const outgoing = scriptedResponse(script, desk, key) ?? normal(script);
  return { outgoing: { ...outgoing, headers: { ...outgoing.headers, ...scriptedHeaders(script) } }, script };
}

function ownScript({ header }: Incoming): Script {
  const json = header("x-simulator");
  if (json === undefined) return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    throw unusable("the header x-simulator is not JSON");
  }
  return parseScript(parsed);
}

/** What the script answers with in the vendor's place, if it does. */
function scriptedResponse(script: Script, desk: Desk, key: string): Outgoing | undefined {
  if (script.body !== undefined) {
    const headers = { "content-type": script.contentType ?? "application/json" };
    return { status: script.status ?? 200, headers, parts: [script.body], isStream: false };
  }
  if (script.redirect !== undefined) {
    return { status: script.status ?? 307, headers: { location: script.redirect }, parts: [""], isStream: false };
  }
  if (script.status === undefined || script.status < 400 || script.errorAtEvent !== undefined) return undefined;
  return desk.refuse(scriptedFailure(script, script.status, key));
}

function scriptedFailure(script: Script, status: number, key: string): Failure {
  const said = script.message ?? messageFor(status);
  const message = script.echoKey === true ? `${said} (key: ${key})` : said;
  const { errorType: type, errorCode: code, retryAfterSeconds } = script;
  return { status, message, type, code, retryAfterSeconds };
}

function scriptedHeaders(script: Script): Readonly<Record<string, string>> {
  const headers: Record<string, string> = { ...script.headers };
  if (script.retryAfterSeconds !== undefined) headers["retry-after"] = String(script.retryAfterSeconds);
  for (let left = script.headerBytes ?? 0, index = 0; left > 0; left -= 4000, index++) {
    headers[`x-filler-${index}`] = "f".repeat(Math.min(left, 4000));
  }
  return headers;
}
