import type { IncomingMessage, ServerResponse } from "node:http";
import { isoTime } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import type { Caller } from "../identity/index.ts";
import type { Provider, ProviderModel, Providers } from "../providers/index.ts";

export interface ModelListParts {
  readonly providers: Providers;
  readonly isUsable: (provider: Provider) => boolean;
}

interface Listed {
  /** What a caller asks for: `provider/model`. */
  readonly id: string;
  readonly entry: ProviderModel;
}

/** An `anthropic-version` header tells Anthropic's clients from OpenAI's, which ask at the same address. */
export function speaksAnthropic(request: IncomingMessage): boolean {
  return request.headers["anthropic-version"] !== undefined;
}

/**
 * `GET /v1/models` and `GET /v1/models/{id}`: what this caller may use now, from providers that can be called, in the
 * shape of the asking client. Every model is listed as `provider/model`; Anthropic's clients, which show only ids that
 * begin with `claude` or `anthropic`, get the bare id where no other provider serves the same one.
 */
export function answerModels(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  caller: Caller,
  parts: ModelListParts,
): void {
  const anthropic = speaksAnthropic(request);
  const listed = listFor(caller, parts, anthropic);
  const shape = anthropic ? anthropicModel : openaiModel;
  const wanted = path.slice("/v1/models/".length);
  if (wanted !== "") return sendJson(response, shape(find(listed, decoded(wanted))));
  const data = listed.map(shape);
  if (!anthropic) return sendJson(response, { object: "list", data });
  const ends = { first_id: listed[0]?.id ?? null, last_id: listed.at(-1)?.id ?? null };
  sendJson(response, { data, has_more: false, ...ends });
}

/** As for a request: `provider/model` first, then the bare id, which may have slashes of its own. */
function find(listed: readonly Listed[], id: string): Listed {
  const found =
    listed.find(({ entry }) => `${entry.provider}/${entry.model}` === id) ??
    listed.find(({ entry }) => entry.model === id);
  if (found === undefined) throw new AppError("model_not_found", { model: id });
  return found;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // no id of ours, then
  }
}

function listFor(caller: Caller, parts: ModelListParts, anthropic: boolean): readonly Listed[] {
  return parts.providers
    .list()
    .filter(parts.isUsable)
    .flatMap((provider) => parts.providers.models.list(provider.id))
    .filter((entry) => caller.allowsModel(entry.provider, entry.model))
    .map((entry) => {
      const full = `${entry.provider}/${entry.model}`;
      const alone = anthropic && entry.model.startsWith("claude") && isOnly(entry, parts);
      return { id: alone ? entry.model : full, entry };
    });
}

function isOnly(entry: ProviderModel, parts: ModelListParts): boolean {
  const usable = parts.providers.list().filter(parts.isUsable);
  const serving = parts.providers.models.providersOf(entry.model);
  return usable.filter((provider) => serving.includes(provider.id)).length === 1;
}

function openaiModel({ id, entry }: Listed): object {
  return { id, object: "model", created: Math.floor(releasedMs(entry) / 1000), owned_by: entry.provider };
}

function anthropicModel({ id, entry }: Listed): object {
  return { type: "model", id, display_name: entry.name, created_at: isoTime(releasedMs(entry)) };
}

function releasedMs(entry: ProviderModel): number {
  const parsed = Date.parse(entry.catalog?.released ?? "");
  return Number.isNaN(parsed) ? 0 : parsed;
}

function sendJson(response: ServerResponse, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(200, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-store",
  });
  response.end(text);
}
