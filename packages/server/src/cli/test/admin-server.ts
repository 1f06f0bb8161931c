import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { endpoints, errorCodes, type Declaration, type EndpointSchemas, type HandlersOf } from "@portcullis/contract";
import { schemas } from "@portcullis/contract/schemas";
import { AppError, asAppError } from "../../kernel/errors.ts";

type Endpoints = typeof endpoints;

/** What the server answers, by resource and endpoint, typed as the real handlers are. What is not given does not exist. */
export type Answers = { readonly [Resource in keyof Endpoints]?: Partial<HandlersOf<Endpoints[Resource], undefined>> };

export interface SeenCall {
  /** `keys.create` */
  readonly name: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly input: unknown;
  readonly authorization: string | undefined;
}

interface Operation {
  readonly name: string;
  readonly declaration: Declaration;
  readonly shapes: EndpointSchemas;
  readonly handler: ((request: object, context: undefined) => Promise<unknown>) | undefined;
}

/** A gateway's admin API with made-up answers, strict about both sides: inputs and outputs must fit the contract. */
export async function startAdminServer(answers: Answers, port = 0) {
  const operations = listOperations(answers);
  const calls: SeenCall[] = [];
  const server = createServer((request, response) => {
    answer(operations, calls, request).then(
      ([status, body]) => send(response, status, "application/json", body),
      (thrown: unknown) => {
        const { status, code, message: detail, hint } = asAppError(thrown);
        send(response, status, "application/problem+json", {
          type: "about:blank",
          title: code,
          status,
          code,
          detail,
          hint,
          request_id: "r1",
        });
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function listOperations(answers: Answers): readonly Operation[] {
  const shapes = schemas as Readonly<Record<string, Readonly<Record<string, EndpointSchemas>>>>;
  const handlers = answers as Readonly<Record<string, Readonly<Record<string, Operation["handler"]>>>>;
  return Object.entries(endpoints).flatMap(([resource, members]) =>
    Object.entries(members as Readonly<Record<string, Declaration>>).map(([member, declaration]) => ({
      name: `${resource}.${member}`,
      declaration,
      shapes: shapes[resource]?.[member] ?? {},
      handler: handlers[resource]?.[member],
    })),
  );
}

async function answer(
  operations: readonly Operation[],
  calls: SeenCall[],
  request: IncomingMessage,
): Promise<readonly [number, unknown]> {
  const url = new URL(request.url ?? "", "http://local");
  const found = findOperation(operations, request.method ?? "", url.pathname);
  if (found?.operation.handler === undefined)
    throw new AppError("route_not_found", { method: request.method ?? "", path: url.pathname });
  const { operation, params } = found;
  const body = await text(request);
  const query = parse(operation.shapes.query, Object.fromEntries(url.searchParams));
  const input = parse(operation.shapes.input, body === "" ? {} : JSON.parse(body));
  calls.push({ name: operation.name, params, query, input, authorization: request.headers.authorization });
  const output = await operation.handler?.({ params, query, input }, undefined);
  operation.shapes.output?.parse(output);
  return [operation.declaration.status ?? 200, output];
}

/** A path without parameters wins. */
function findOperation(operations: readonly Operation[], method: string, path: string) {
  const matches = operations.flatMap((operation) => {
    const pattern = new RegExp(`^${operation.declaration.path.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`);
    const match = operation.declaration.method === method ? pattern.exec(path) : null;
    return match === null ? [] : [{ operation, params: decoded(match.groups ?? {}) }];
  });
  return matches.toSorted((left, right) => Object.keys(left.params).length - Object.keys(right.params).length)[0];
}

function decoded(groups: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]));
}

function parse(schema: EndpointSchemas["input"], value: unknown): unknown {
  const result = schema?.safeParse(value);
  if (result?.success === false)
    throw new AppError("invalid_request", { problem: result.error.issues.map((issue) => issue.message).join("; ") });
  return result?.data;
}

function send(response: ServerResponse, status: number, type: string, body: unknown): void {
  if (status === 204) response.writeHead(204).end();
  else response.writeHead(status, { "content-type": type }).end(JSON.stringify(body));
}

/** An error of the given code, with every placeholder of its texts filled with its own name. */
export function problemOf(code: keyof typeof errorCodes): AppError {
  const spec: { readonly message: string; readonly hint?: string } = errorCodes[code];
  const names = [...`${spec.message} ${spec.hint ?? ""}`.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => [name, name]);
  return new AppError(code, Object.fromEntries(names));
}
