import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { before, describe, test } from "node:test";
import { endpoints, type Declaration } from "@portcullis/contract";
import { openGate, type Gate } from "../support/gateway.ts";
import { until } from "./ask.ts";

/*
 * Every route × whoever may call × every method, on one listener for both planes and on two: what is answered follows
 * from the route's policy alone. The routes are those the gateway was built with, so a new one is in here by itself.
 */

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
type Method = (typeof methods)[number];

/** What the policy of a route says to a caller: come in, prove who you are, or not with this key. */
type Verdict = "in" | 401 | 403;

interface Principal {
  readonly name: string;
  readonly token: string | undefined;
  /** The verdict of a route of each policy. */
  readonly key: Verdict;
  readonly admin: Verdict;
  readonly setup: Verdict;
}

interface Place {
  readonly plane: "data" | "admin";
  /** With something in the place of each `{…}`. */
  readonly path: string;
  /** By method; a method that is not there is not taken. */
  readonly policies: Readonly<Partial<Record<Method, "public" | "key" | "admin" | "setup">>>;
}

const nobody = { key: 401, admin: 401, setup: 401 } as const;

/** Keys and tokens of every kind there is, in every state. */
async function principalsOf(gate: Gate): Promise<readonly Principal[]> {
  const make = async (input: Readonly<Record<string, unknown>>, spoil?: (id: string) => Promise<unknown>) => {
    const { id, key } = await gate.createKey(input);
    await spoil?.(id);
    return key;
  };
  const disable = (id: string) => gate.admin.call(endpoints.keys.disable, { params: { id } });
  const remove = (id: string) => gate.admin.call(endpoints.keys.remove, { params: { id } });
  const expired = await make({ expires_in: "1ms" });
  const expiredAdmin = await make({ expires_in: "1ms", admin: true });
  const status = (token: string) => answerOf(gate.url, "GET", "/v1/models", token).then((reply) => reply.status);
  await until(
    "the keys have expired",
    async () => (await status(expired)) === 401 && (await status(expiredAdmin)) === 401,
  );
  const caller = { key: "in", admin: 401, setup: 401 } as const;
  const admin = { key: 401, admin: "in", setup: "in" } as const;
  return [
    { name: "nobody", token: undefined, ...nobody, setup: "in" },
    { name: "garbage", token: "garbage", ...nobody },
    { name: "a mistyped key", token: `${gate.key.slice(0, -1)}${gate.key.endsWith("0") ? "1" : "0"}`, ...nobody },
    { name: "a provider's key", token: gate.providerKey, ...nobody },
    { name: "an expired key", token: expired, ...nobody },
    { name: "a disabled key", token: await make({}, disable), ...nobody },
    { name: "a deleted key", token: await make({}, remove), ...nobody },
    { name: "an expired admin key", token: expiredAdmin, ...nobody },
    { name: "a disabled admin key", token: await make({ admin: true }, disable), ...nobody },
    { name: "a deleted admin key", token: await make({ admin: true }, remove), ...nobody },
    { name: "a key for elsewhere", token: await make({ allow_ip: ["10.0.0.0/8"] }), key: 403, admin: 403, setup: 403 },
    {
      name: "an admin key for elsewhere",
      token: await make({ admin: true, allow_ip: ["10.0.0.0/8"] }),
      key: 401,
      admin: 403,
      setup: 403,
    },
    { name: "a key of another service", token: await make({ service: "tts" }), ...caller, key: 403 },
    { name: "a key for other models", token: await make({ models: ["no-such-model"] }), ...caller },
    { name: "a key", token: gate.key, ...caller },
    { name: "an admin key", token: await make({ admin: true }), ...admin },
    { name: "the admin token", token: gate.gateway.adminToken.reveal(), ...admin },
  ];
}

const filledIn = (path: string): string => path.replaceAll(/\{\w+\}/g, "some-id");

interface Route {
  readonly method: string;
  readonly path: string;
  readonly policy: "public" | "key" | "admin" | "setup";
}

/** Everything that is at each path; `hole` is what a `{…}` takes. Where several routes fit, the one that says most counts. */
function placesOf(plane: Place["plane"], routes: readonly Route[], hole: string): readonly Place[] {
  const vague = routes.toSorted((one, other) => literal(one.path).length - literal(other.path).length);
  return [...new Set(vague.map(({ path }) => filledIn(path)))].map((path) => {
    const fits = vague.filter((route) => shapeOf(route.path, hole).test(path));
    return { plane, path, policies: Object.fromEntries(fits.map(({ method, policy }) => [method, policy])) };
  });
}

const literal = (pattern: string): string => pattern.replaceAll(/\{\w+\}/g, "");

function shapeOf(pattern: string, hole: string): RegExp {
  const parts = pattern.split(/\{\w+\}/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(hole)}$`);
}

const dataPlaces = (gate: Gate): readonly Place[] => placesOf("data", gate.gateway.routes, ".+");

function adminPlaces(): readonly Place[] {
  const declarations = Object.values(endpoints).flatMap((resource): Declaration[] => Object.values(resource));
  return placesOf("admin", declarations, "[^/]+");
}

interface Answer {
  readonly status: number;
  readonly code: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 8 });

/** A request with a body that nobody takes for what it wants, so that whoever is let in changes nothing. */
function answerOf(url: string, method: Method, path: string, token: string | undefined): Promise<Answer> {
  const body = ["POST", "PUT", "PATCH", "DELETE"].includes(method) ? "x" : undefined;
  const headers = {
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { "content-type": "text/plain", "content-length": String(body.length) }),
  };
  return new Promise((resolve, reject) => {
    const call = request(url + path, { method, agent, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, code: codeIn(Buffer.concat(chunks).toString()) }),
      );
    });
    call.on("error", reject);
    call.end(body);
  });
}

/** The error's code, or its message where a dialect has no codes. */
function codeIn(text: string): string {
  try {
    const { code, error } = JSON.parse(text) as {
      code?: string;
      error?: string | { code?: unknown; message?: string };
    };
    if (typeof error === "string") return error;
    return code ?? `${String(error?.code)} ${error?.message}`;
  } catch {
    return text;
  }
}

/** What is wrong with an answer, if anything is. */
function judge(place: Place, method: Method, principal: Principal, answer: Answer): string | undefined {
  const policy = place.policies[method];
  const { status, code } = answer;
  if (policy === undefined) return status === 405 ? undefined : "the method is not taken: 405";
  const verdict = policy === "public" ? "in" : principal[policy];
  if (verdict !== "in") return status === verdict ? undefined : `${policy}: ${verdict}`;
  if (status === 405 || status >= 500 || (status === 401 && !code.includes("setup"))) return `${policy}: to be let in`;
  if (status === 404 && /route_not_found|there is nothing at/.test(code)) return `${policy}: a route`;
  return undefined;
}

async function check(places: readonly Place[], url: string, principals: readonly Principal[], there: boolean) {
  const wrong: string[] = [];
  let asked = 0;
  for (const place of places) {
    for (const method of methods) {
      const answers = await Promise.all(
        principals.map(async (principal) => ({
          principal,
          answer: await answerOf(url, method, place.path, principal.token),
        })),
      );
      for (const { principal, answer } of answers) {
        asked += 1;
        const elsewhere = answer.status === 404 ? undefined : "nothing of this plane is here: 404";
        const problem = there ? judge(place, method, principal, answer) : elsewhere;
        if (problem !== undefined) {
          wrong.push(
            `${method} ${place.path} by ${principal.name}: ${answer.status} ${answer.code}; expected ${problem}`,
          );
        }
      }
    }
  }
  assert.deepEqual(wrong, []);
  assert.equal(asked, places.length * methods.length * principals.length);
}

for (const [layout, config, apart] of [
  ["one listener for both planes", "admin: {}\n", false],
  ["a listener for each plane", "admin: { port: 0 }\n", true],
] as const) {
  describe(layout, () => {
    let gate: Gate;
    let principals: readonly Principal[];
    before(async () => {
      gate = await openGate({ config });
      principals = await principalsOf(gate);
    });

    test("the data plane answers everyone as its routes' policies say", async () => {
      const places = dataPlaces(gate);
      assert.ok(places.length >= 8);
      await check(places, gate.url, principals, true);
    });

    test("the admin plane answers everyone as its endpoints' policies say", async () => {
      const places = adminPlaces();
      assert.ok(places.length >= 20);
      const seq = async () => (await gate.admin.call(endpoints.audit.list, {})).data[0]?.seq;
      const events = await seq();
      await check(places, gate.gateway.adminUrl, principals, true);
      assert.equal(await seq(), events, "nothing was changed");
    });

    if (apart) {
      test("neither plane answers on the listener of the other", async () => {
        const { url, adminUrl } = gate.gateway;
        const names = ["nobody", "a key", "an admin key", "the admin token"];
        const some = principals.filter(({ name }) => names.includes(name));
        await check(dataPlaces(gate), adminUrl, some, false);
        await check(adminPlaces(), url, some, false);
      });
    }

    test("nothing of it reached a provider", () => {
      assert.equal(gate.simulator.stats().requests, 0);
    });
  });
}

// The body

/** The first line of the answer to a head whose body never comes. */
async function firstLine(
  url: string,
  method: Method,
  path: string,
  token: string | undefined,
  more: readonly string[],
) {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  const authorization = token === undefined ? [] : [`Authorization: Bearer ${token}`];
  const head = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    ...authorization,
    "Content-Type: application/json",
    "Content-Length: 100000",
    ...more,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  const [chunk] = (await once(socket, "data", { signal: AbortSignal.timeout(5_000) })) as [Buffer];
  socket.destroy();
  return chunk.toString("latin1").split("\r\n")[0];
}

describe("nothing of a body is read before its sender is known", () => {
  let gate: Gate;
  let principals: readonly Principal[];
  let places: readonly Place[];
  before(async () => {
    gate = await openGate();
    principals = await principalsOf(gate);
    places = [...dataPlaces(gate), ...adminPlaces()];
  });

  const withBody = (place: Place) =>
    (["POST", "PUT", "DELETE"] as const).filter((method) => !["public", undefined].includes(place.policies[method]));

  test("whoever is refused is answered while the body has not come, and is not asked for it", async () => {
    for (const place of places) {
      for (const method of withBody(place)) {
        const policy = place.policies[method] as "key" | "admin" | "setup";
        await Promise.all(
          principals
            .filter((principal) => principal[policy] !== "in")
            .map(async ({ name, token, [policy]: verdict }) => {
              for (const more of [[], ["Expect: 100-continue"]]) {
                const line = await firstLine(gate.url, method, place.path, token, more);
                assert.match(
                  line ?? "",
                  new RegExp(`^HTTP/1\\.1 ${verdict} `),
                  `${method} ${place.path} by ${name} ${more.join()}`,
                );
              }
            }),
        );
      }
    }
  });

  test("whoever is let in is asked for it", async () => {
    const key = principals.find(({ name }) => name === "a key")?.token;
    for (const path of ["/v1/messages", "/v1/chat/completions", "/v1/responses"]) {
      assert.equal(await firstLine(gate.url, "POST", path, key, ["Expect: 100-continue"]), "HTTP/1.1 100 Continue");
    }
    const admin = gate.gateway.adminToken.reveal();
    assert.equal(
      await firstLine(gate.url, "POST", "/api/v1/keys", admin, ["Expect: 100-continue"]),
      "HTTP/1.1 100 Continue",
    );
  });
});
