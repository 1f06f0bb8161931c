import type { IncomingMessage, ServerResponse } from "node:http";
import { endpoints, type Declaration, type EndpointSchemas } from "@portcullis/contract";
import { schemas } from "@portcullis/contract/schemas";
import type * as z from "zod";
import { AppError, asAppError, describe } from "../kernel/errors.ts";
import { withoutKeys } from "../kernel/key-shapes.ts";
import { ulid } from "../kernel/ids.ts";
import { readBody, type Plane } from "../ingress/index.ts";
import { createAccess, type Access, type Actor } from "./access.ts";
import { auditedDetail, auditedTarget } from "./audited.ts";
import { sendDownload } from "./download.ts";
import type { AdminParts } from "./parts.ts";
import { sendOpenaiError, sendProblem } from "./problem.ts";
import { isLocal } from "./reveal.ts";
import { createHandlers } from "./resources/index.ts";
import { createRouter, type Match } from "./router.ts";

/** What a handler knows about the call beside its input. */
export interface Call {
  readonly actor: Actor;
  readonly requestId: string;
  /** Whether the caller is a process on this machine. */
  readonly local: boolean;
  /** Says that something was made that was not there before, where the endpoint tells the two apart: the reply is 201. */
  created(): void;
}

/** A handler as the table holds it; its types were checked where the resource defines it. */
type AnyHandler = (request: { params: unknown; query: unknown; input: unknown }, call: Call) => Promise<unknown>;

interface Operation {
  readonly name: string;
  readonly declaration: Declaration;
  readonly schemas: EndpointSchemas;
  readonly handler: AnyHandler;
}

const bodyLimits = { limitBytes: 1024 * 1024, timeoutMs: 30_000, minRate: 500 };

/** Its own, those of LiteLLM's key management, and those of the secrets daemon. */
const ownPaths = /^\/(?:(?:api\/v1|key|spend|credentials|secrets|test\/provider)\/|providers(?:\/[^/]+\/test)?$)/;

/**
 * The control plane: every endpoint of the contract, each behind the policy it declares. In this order: token → policy →
 * input → audit event → the change. A change whose event cannot be written is not made.
 */
export function createAdmin(parts: AdminParts): Plane {
  const access = createAccess(parts.adminToken, parts.keys);
  const find = createRouter(
    listOperations(parts).map((operation) => ({ ...operation.declaration, handler: operation })),
  );

  return (request, response, path) => {
    if (!ownPaths.test(path)) return false;
    const requestId = ulid(parts.clock.now());
    let match: Match<Operation> | undefined;
    const respond = async (): Promise<void> => {
      match = find(request.method ?? "", path);
      if (match === undefined) throw new AppError("route_not_found", { method: request.method ?? "", path });
      await answer(request, response, match, requestId, parts, access);
    };
    respond().catch((thrown: unknown) => {
      const error = asAppError(thrown);
      const isDownload = match?.handler.declaration.download !== undefined;
      if (response.headersSent && !isDownload) return; // a body that could not be read was answered where that was found out
      if (error.level === "error")
        parts.log.error({ requestId, path: withoutKeys(path), error: describe(error) }, "admin request failed");
      if (response.headersSent) return; // broken off, and the log has it
      if (error.code === "body_too_large") response.shouldKeepAlive = false;
      if (match?.handler.declaration.errors === "openai") sendOpenaiError(response, error, requestId);
      else sendProblem(response, error, requestId);
    });
    return true;
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  match: Match<Operation>,
  requestId: string,
  parts: AdminParts,
  access: Access,
): Promise<void> {
  const { declaration, schemas: shapes, handler, name } = match.handler;
  const actor = admit(declaration, access.actorOf(request));
  const query = parse(shapes.query, Object.fromEntries(new URL(request.url ?? "", "http://local").searchParams));
  const input = parse(shapes.input, await readInput(request, shapes));
  if (declaration.method !== "GET") {
    const target = auditedTarget(match.params, input);
    await parts.audit.record({ actor, action: name, target, detail: auditedDetail(input) });
  }
  let status = declaration.status ?? 200;
  const created = () => void (status = 201);
  const call = { actor, requestId, local: isLocal(request), created };
  const output = await handler({ params: match.params, query, input }, call);
  const head = { "cache-control": "no-store", "x-request-id": requestId };
  if (declaration.download !== undefined) {
    const content = output as AsyncIterable<Uint8Array>; // as the type of its handler says
    return sendDownload(response, content, { ...head, "content-type": declaration.download });
  }
  if (shapes.output === undefined) {
    response.writeHead(204, head).end();
    return;
  }
  const body = JSON.stringify(shapes.output.parse(output));
  response.writeHead(status, { ...head, "content-type": "application/json" }).end(body);
}

function admit(declaration: Declaration, actor: Actor | undefined): Actor {
  switch (declaration.policy) {
    case "public":
      return actor ?? "anyone";
    case "setup":
      return actor ?? "setup-code";
    case "admin":
      if (actor === undefined) throw new AppError("admin_required");
      return actor;
  }
}

async function readInput(request: IncomingMessage, shapes: EndpointSchemas): Promise<unknown> {
  const body = await readBody(request, bodyLimits);
  if (body.length === 0) return {};
  const type = (request.headers["content-type"] ?? "nothing").split(";")[0] ?? "";
  if (type.trim().toLowerCase() !== "application/json") {
    throw new AppError("unsupported_media_type", { wanted: "application/json", got: type });
  }
  if (shapes.input === undefined) throw new AppError("invalid_request", { problem: "this address takes no body" });
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw new AppError(
      "invalid_json",
      { problem: cause instanceof Error ? withoutExcerpt(cause.message) : "" },
      { cause },
    );
  }
}

/** The parser quotes what it stumbled over: `Unexpected token 's', "…sk-live-…" is not valid JSON`. */
function withoutExcerpt(message: string): string {
  return message.replace(/, (?:\.{3})?".*"(?:\.{3})? is not valid JSON$/s, "");
}

function parse(schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const where = issue.path.map(String).join(".");
    return where === "" ? issue.message : `\`${where}\`: ${issue.message}`;
  });
  throw new AppError("invalid_request", { problem: problems.join("; ") });
}

function listOperations(parts: AdminParts): readonly Operation[] {
  const declared: Readonly<Record<string, Readonly<Record<string, Declaration>>>> = endpoints;
  const shapes: Readonly<Record<string, Readonly<Record<string, EndpointSchemas>>>> = schemas;
  const handlers = createHandlers(parts) as unknown as Readonly<Record<string, Readonly<Record<string, AnyHandler>>>>;
  return Object.entries(declared).flatMap(([resource, members]) =>
    Object.entries(members).map(([member, declaration]) => {
      const handler = handlers[resource]?.[member];
      if (handler === undefined) throw new Error(`no handler for ${resource}.${member}`);
      return { name: `${resource}.${member}`, declaration, schemas: shapes[resource]?.[member] ?? {}, handler };
    }),
  );
}
