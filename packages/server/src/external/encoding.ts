import { Secret } from "../kernel/secret.ts";

// What goes over the wire to a service may hold secrets (a token, a client's secret). They stay wrapped until they are
// made part of the request, here, and nowhere else in this module but in the signature of AWS.

export type JsonValue = string | number | boolean | null | undefined | Secret | readonly JsonValue[] | JsonBody;

/** What is sent as JSON. A `Secret` in it goes out as its value. */
export interface JsonBody {
  readonly [name: string]: JsonValue;
}

export type HeaderValues = Readonly<Record<string, string | Secret>>;

export function jsonBytes(body: JsonBody): Buffer {
  return Buffer.from(JSON.stringify(plain(body)), "utf8");
}

export function formBytes(form: HeaderValues): Buffer {
  const pairs = Object.entries(form).map(([name, value]): [string, string] => [name, opened(value)]);
  return Buffer.from(new URLSearchParams(pairs).toString(), "utf8");
}

/** The headers as they are sent. A value that would break the head of a request is no such token: nothing is sent. */
export function plainHeaders(headers: HeaderValues): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, opened(value)]));
}

/** Whether every value may stand in a header. */
export function areHeaderValues(headers: HeaderValues): boolean {
  return Object.values(headers).every((value) => /^[\t\x20-\x7e]*$/.test(opened(value)));
}

export function bearer(token: Secret): Secret {
  return new Secret(`Bearer ${opened(token)}`);
}

function opened(value: string | Secret): string {
  return value instanceof Secret ? value.reveal() : value;
}

function plain(value: JsonValue): unknown {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map((each: JsonValue) => plain(each));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}
