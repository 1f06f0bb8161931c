import type * as z from "zod";

/**
 * Who may call an endpoint. `admin`: a valid admin token. `setup`: an admin token, or the one-time setup code in the
 * body. `public`: anyone. There is no default.
 */
export type Policy = (typeof policies)[number];

export const policies = ["public", "setup", "admin"] as const;

/** The schemas of one endpoint; they live behind `@portcullis/contract/schemas`. An endpoint without `output` answers 204. */
export interface EndpointSchemas {
  /** The query string. Values arrive as text; the schema turns them into numbers where it says so. */
  readonly query?: z.ZodType;
  /** The JSON body. A request without a body stands for `{}`. */
  readonly input?: z.ZodType;
  readonly output?: z.ZodType;
}

/** What an endpoint is at run time. */
export interface Declaration {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** From the root of the server, with `{names}` for the parts that vary. */
  readonly path: string;
  readonly policy: Policy;
  /** One line for the API reference. */
  readonly summary: string;
  /** The status of success: 200 unless given, 201 for what makes something, 204 without a body. */
  readonly status?: 201 | 204;
  /** Whether it answers 201 instead when it made what was not there before. */
  readonly mayCreate?: true;
  /** The shape of errors: `application/problem+json` unless given, else that of OpenAI's API, which some clients read. */
  readonly errors?: "openai";
  /** The media type of a reply that is a file: it comes as a stream of bytes, and is made as it is read. */
  readonly download?: string;
}

declare const schemas: unique symbol;

/** A declaration together with the types of what goes in and comes out. The symbol is never set: it carries types only. */
export interface Endpoint<Path extends string = string, Schemas extends EndpointSchemas = EndpointSchemas>
  extends Declaration {
  readonly path: Path;
  readonly [schemas]?: Schemas;
}

/**
 * Declares the endpoints of a resource: exactly one for each entry of its schemas. One too few or too many does not
 * compile.
 */
export function resource<Schemas extends Readonly<Record<string, EndpointSchemas>>>() {
  return <const Declarations extends Readonly<Record<keyof Schemas, Declaration>>>(
    declarations: Declarations & Readonly<Record<Exclude<keyof Declarations, keyof Schemas>, never>>,
  ): { readonly [Name in keyof Schemas]: Endpoint<Declarations[Name]["path"], Schemas[Name]> } => declarations;
}

type PathOf<E> = E extends Endpoint<infer Path, infer _Schemas> ? Path : never;
type SchemasOf<E> = E extends Endpoint<infer _Path, infer Schemas> ? Schemas : never;

type NamesIn<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}` ? Name | NamesIn<Rest> : never;
type ParamsOf<E> = Readonly<Record<NamesIn<PathOf<E>>, string>>;

type Part<E, Name extends "query" | "input"> =
  SchemasOf<E> extends Readonly<Record<Name, infer Schema extends z.ZodType>> ? Schema : never;

type Parsed<Schema> = [Schema] extends [never] ? undefined : z.output<Schema>;

/** `{name: Type}`, with the name optional when an empty object would do, and absent when there is no such type. */
type Field<Name extends string, Type> = [Type] extends [never]
  ? unknown
  : Record<never, never> extends Type
    ? { readonly [Key in Name]?: Type }
    : { readonly [Key in Name]: Type };

/** What a client passes to call `E`: `params`, `query`, `input`, each only where the endpoint has it. */
export type CallOf<E> = ([NamesIn<PathOf<E>>] extends [never] ? unknown : { readonly params: ParamsOf<E> }) &
  Field<"query", z.input<Part<E, "query">>> &
  Field<"input", z.input<Part<E, "input">>>;

/** What the handler of `E` receives, parsed; `undefined` for what the endpoint does not have. */
export interface RequestOf<E> {
  readonly params: ParamsOf<E>;
  readonly query: Parsed<Part<E, "query">>;
  readonly input: Parsed<Part<E, "input">>;
}

/** What `E` answers with; `undefined` where it answers without a body. */
export type ReplyOf<E> =
  SchemasOf<E> extends { readonly output: infer Output extends z.ZodType } ? z.output<Output> : undefined;

/** One handler for each endpoint of a resource; a missing one does not compile. */
export type HandlersOf<Resource, Context> = {
  readonly [Name in keyof Resource]: (
    request: RequestOf<Resource[Name]>,
    context: Context,
  ) => Promise<ReplyOf<Resource[Name]>>;
};
