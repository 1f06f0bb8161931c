import * as z from "zod";
import type { Declaration, EndpointSchemas } from "../endpoint.ts";
import { endpoints } from "../endpoints.ts";
import { auditEvent } from "./audit.ts";
import { credential } from "./credentials.ts";
import { issuedKey, key } from "./keys.ts";
import { model } from "./models.ts";
import { provider, testResult } from "./providers.ts";
import { requestRow } from "./requests.ts";
import { explanation, route } from "./routes.ts";
import { secret } from "./secrets.ts";
import { owner } from "./setup.ts";
import { schemas } from "./table.ts";
import { usageRow } from "./usage.ts";
import { fileContent, problem } from "./values.ts";
import { vaultSlot, vaultStatus } from "./vault.ts";

/** The things the API speaks of, under the names the document gives them. */
const things: Readonly<Record<string, z.ZodType>> = {
  AuditEvent: auditEvent,
  Credential: credential,
  IssuedKey: issuedKey,
  Key: key,
  Model: model,
  NamedSecret: secret,
  Owner: owner,
  Problem: problem,
  Provider: provider,
  RequestRow: requestRow,
  Route: route,
  RouteExplanation: explanation,
  TestResult: testResult,
  UsageRow: usageRow,
  VaultSlot: vaultSlot,
  VaultStatus: vaultStatus,
};

type JsonObject = Record<string, unknown>;

interface Operation {
  readonly name: string;
  readonly resource: string;
  readonly declaration: Declaration;
  readonly schemas: EndpointSchemas;
}

/** The admin API as an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.0). The same contract gives the same text. */
export function openApiDocument(version: string): JsonObject {
  const operations = listOperations();
  const names = nameSchemas(operations);
  const paths: Record<string, JsonObject> = {};
  for (const operation of operations) {
    const { path, method } = operation.declaration;
    const item = (paths[path] ??= {});
    item[method.toLowerCase()] = describeOperation(operation, names);
  }
  return {
    openapi: "3.1.0",
    info: { title: "Portcullis admin API", version, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    paths,
    components: {
      schemas: describeComponents(names),
      responses: {
        Problem: { description: "An error", content: { "application/problem+json": { schema: reference("Problem") } } },
      },
      securitySchemes: {
        adminToken: { type: "http", scheme: "bearer", description: "An admin key, or the content of admin.token" },
      },
    },
  };
}

function listOperations(): readonly Operation[] {
  const declared: Readonly<Record<string, Readonly<Record<string, Declaration>>>> = endpoints;
  const table: Readonly<Record<string, Readonly<Record<string, EndpointSchemas>>>> = schemas;
  return Object.entries(declared).flatMap(([resource, members]) =>
    Object.entries(members).map(([member, declaration]) => ({
      name: resource + member.charAt(0).toUpperCase() + member.slice(1),
      resource,
      declaration,
      schemas: table[resource]?.[member] ?? {},
    })),
  );
}

/** Every body gets a name: that of the thing it is, else one made from its operation. */
function nameSchemas(operations: readonly Operation[]): Map<z.ZodType, string> {
  const names = new Map(Object.entries(things).map(([name, schema]) => [schema, name] as const));
  for (const { name, schemas: own } of operations) {
    const base = name.charAt(0).toUpperCase() + name.slice(1);
    if (own.input !== undefined && !names.has(own.input)) names.set(own.input, `${base}Input`);
    if (own.output !== undefined && own.output !== fileContent && !names.has(own.output))
      names.set(own.output, `${base}Output`);
  }
  return names;
}

/**
 * Outputs are described as what they take in, too: they have no transforms, and so stay open for fields to come,
 * while inputs (strict objects) are closed either way.
 */
function describeComponents(names: ReadonlyMap<z.ZodType, string>): JsonObject {
  const registry = z.registry<{ id: string }>();
  for (const [schema, id] of names) registry.add(schema, { id });
  const { schemas: described } = z.toJSONSchema(registry, {
    io: "input",
    uri: (id) => reference(id).$ref,
    override: ({ jsonSchema }) => simplify(jsonSchema),
  });
  return Object.fromEntries(
    Object.entries(described)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([name, { $schema: _dialect, $id: _id, ...schema }]) => [name, schema]),
  );
}

function describeOperation(
  { name, resource, declaration, schemas: own }: Operation,
  names: ReadonlyMap<z.ZodType, string>,
): JsonObject {
  const parameters = [...describePath(declaration.path), ...describeQuery(own.query)];
  const { status = 200, mayCreate = false } = declaration;
  const done =
    own.output === undefined
      ? { description: "Done" }
      : { description: "Done", content: replyContent(own.output, declaration, names) };
  return {
    operationId: name,
    tags: [resource],
    summary: declaration.summary,
    security:
      declaration.policy === "admin"
        ? [{ adminToken: [] }]
        : declaration.policy === "setup"
          ? [{}, { adminToken: [] }]
          : [],
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(own.input === undefined
      ? {}
      : { requestBody: { required: !own.input.safeParse({}).success, content: jsonContent(own.input, names) } }),
    responses: {
      [status]: done,
      ...(mayCreate ? { 201: { ...done, description: "Made" } } : {}),
      default: { $ref: "#/components/responses/Problem" },
    },
  };
}

function describePath(path: string): readonly JsonObject[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
}

function describeQuery(query: z.ZodType | undefined): readonly JsonObject[] {
  if (query === undefined) return [];
  const { properties } = z.toJSONSchema(query, { io: "input", override: ({ jsonSchema }) => simplify(jsonSchema) });
  return Object.entries(properties ?? {}).map(([name, schema]) => ({ name, in: "query", schema }));
}

function jsonContent(schema: z.ZodType, names: ReadonlyMap<z.ZodType, string>): JsonObject {
  return { "application/json": { schema: reference(names.get(schema) ?? "") } };
}

function replyContent(schema: z.ZodType, { download }: Declaration, names: ReadonlyMap<z.ZodType, string>): JsonObject {
  if (download === undefined) return jsonContent(schema, names);
  return { [download]: { schema: { type: "string", format: "binary" } } };
}

function reference(name: string): { readonly $ref: string } {
  return { $ref: `#/components/schemas/${name}` };
}

/** Leaves out what only repeats the format (page-long date patterns) or the range of a JavaScript integer. */
function simplify(schema: JsonObject): void {
  if (schema["format"] !== undefined) delete schema["pattern"];
  if (schema["maximum"] === Number.MAX_SAFE_INTEGER) delete schema["maximum"];
  if (schema["minimum"] === Number.MIN_SAFE_INTEGER) delete schema["minimum"];
}
