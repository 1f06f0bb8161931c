import type { Failure } from "./failure.ts";
import type { House } from "./house.ts";
import type { Part } from "./pace.ts";
import type { Answer, Ask } from "./reply.ts";
import type { Script } from "./script.ts";
import type { JsonObject } from "./wire.ts";

/** One request as a vendor sees it. */
export interface Call {
  readonly body: JsonObject;
  readonly bytes: Buffer;
  /** Header values by lower-case name. */
  readonly header: (name: string) => string | undefined;
}

/** What a finished answer is rendered with: ids are taken in order, so the same seed gives the same bytes. */
export interface Rendering {
  readonly answer: Answer;
  readonly body: JsonObject;
  readonly nextId: IdSource;
  readonly createdSeconds: number;
  /** Whether usage is reported; only a script leaves it out. */
  readonly withUsage: boolean;
}

/** A made-up id: the prefix and `length` letters and digits. */
export type IdSource = (prefix: string, length: number) => string;

/** One API of one vendor: a language, no I/O. */
export interface Vendor {
  readonly house: House;
  /** The first thing the vendor would find wrong with the request. */
  check(call: Call): Failure | undefined;
  /** What is asked, as far as it can be made out; never throws, however odd the body. */
  read(call: Call): Ask;
  /** The JSON reply. */
  reply(rendering: Rendering): string;
  events(rendering: Rendering): Stream;
}

/** An API that answers with one document, whatever is asked. */
export interface Page {
  readonly house: House;
  readonly method: "GET" | "POST";
  /** The first thing the vendor would find wrong with the request. */
  check(call: Call): Failure | undefined;
  /** The JSON reply. */
  reply(call: Call, nextId: IdSource): string;
}

/** An API beside the chats: of vectors, images, sound. */
export interface Service {
  readonly house: House;
  readonly takes: "json" | "form";
  /** The first thing the vendor would find wrong with the request. */
  check(call: Call): Failure | undefined;
  serve(errand: Errand): Product;
}

/** One request to a service. In a form, a field is a text, a file, or a list where it was given more than once. */
export interface Errand {
  readonly call: Call;
  readonly script: Script;
  readonly nextId: IdSource;
  readonly createdSeconds: number;
}

/** What a service answers with: a JSON document; anything else, whole or in parts; or events. */
export type Product =
  | { readonly json: JsonObject }
  | { readonly contentType: string; readonly parts: readonly Part[] }
  | Stream;

/** A rendered stream. */
export interface Stream {
  /**
   * The server-sent events, each complete with its blank line, or the lines; LF as line ending. The last one is the end
   * marker: `message_stop`, `[DONE]`, `response.completed`, `"done":true`.
   */
  readonly events: readonly string[];
  /** Where it is not the one that the vendor's streams mostly have. */
  readonly contentType?: string;
  /** The event that reports a failure after so many events. */
  failure(failure: Failure, eventCount: number): string;
}
