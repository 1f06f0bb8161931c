import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";
import * as z from "zod";
import { resource, type CallOf, type HandlersOf, type ReplyOf, type RequestOf } from "./endpoint.ts";
import { endpoints, type Declaration } from "./index.ts";

const declarations = Object.values(endpoints).flatMap((members): readonly Declaration[] => Object.values(members));

const borrowed: ReadonlySet<string> = new Set(
  [endpoints.litellm, endpoints.daemon]
    .flatMap((named): readonly Declaration[] => Object.values(named))
    .map(({ path }) => path),
);
const borrowedShape = /^\/(?:(?:key|spend|credentials|secrets|test)\/[a-z/{}]+|providers(?:\/\{id\}\/test)?)$/;

test("every endpoint has a policy, a summary and an address under /api/v1, but for those that another product named", () => {
  assert.ok(declarations.length > 30);
  for (const { path, policy, summary } of declarations) {
    assert.match(path, borrowed.has(path) ? borrowedShape : /^\/api\/v1\/[a-z/{}_.-]+$/);
    assert.ok(["public", "setup", "admin"].includes(policy), path);
    assert.match(summary, /^[A-Z].+[^.]$/, path);
  }
});

test("no two endpoints answer to the same method and path, whatever their parameters are called", () => {
  const addresses = declarations.map(({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, "{}")}`);
  assert.deepEqual(
    addresses.filter((address, index) => addresses.indexOf(address) !== index),
    [],
  );
});

test("claiming the instance is the one endpoint that needs no admin token", () => {
  const open = declarations.filter(({ policy }) => policy !== "admin").map(({ path }) => path);
  assert.deepEqual(open, ["/api/v1/setup"]);
});

test("the main entry loads nothing but its own files: no schema library at run time", () => {
  const program = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    await import(${JSON.stringify(import.meta.resolve("./index.ts"))});
    process.stdout.write(JSON.stringify(loaded));`;
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" });
  const loaded = z.array(z.string()).parse(JSON.parse(output));
  const root = import.meta.resolve("./");
  assert.ok(loaded.some((url) => url.endsWith("/endpoints.ts")));
  assert.deepEqual(
    loaded.filter((url) => !url.startsWith(root) || url.startsWith(`${root}schemas/`)),
    [],
  );
});

test("what a call needs and gives follows from path and schemas (checked by the compiler)", () => {
  const schemas = {
    get: {
      query: z.strictObject({ limit: z.coerce.number<number | string>().default(5) }),
      output: z.object({ id: z.string() }),
    },
    make: { input: z.strictObject({ name: z.string() }), output: z.object({ id: z.string() }) },
    remove: {},
  };
  const things = resource<typeof schemas>()({
    get: { method: "GET", path: "/things/{kind}/{id}", policy: "admin", summary: "Get" },
    make: { method: "POST", path: "/things", policy: "admin", summary: "Make", status: 201 },
    remove: { method: "DELETE", path: "/things/{id}", policy: "admin", summary: "Remove", status: 204 },
  });

  const call: CallOf<typeof things.get> = { params: { kind: "a", id: "b" } };
  // @ts-expect-error: the path has a second parameter
  const tooFew: CallOf<typeof things.get> = { params: { kind: "a" } };
  // @ts-expect-error: the input is required
  const noInput: CallOf<typeof things.make> = {};
  const parsed: Pick<RequestOf<typeof things.get>, "query" | "input"> = { query: { limit: 5 }, input: undefined };
  const nothing: ReplyOf<typeof things.remove> = undefined;
  // @ts-expect-error: the handler of `remove` is missing
  const handlers: HandlersOf<typeof things, undefined> = {
    get: async ({ params }) => ({ id: params.id }),
    make: async ({ input }) => ({ id: input.name }),
  };
  assert.deepEqual(
    [call.params.id, tooFew, noInput, parsed.query.limit, nothing, Object.keys(handlers).length].length,
    6,
  );

  // @ts-expect-error: `make` and `remove` are not declared
  resource<typeof schemas>()({ get: { method: "GET", path: "/things", policy: "admin", summary: "Get" } });
  // @ts-expect-error: there is no schema for `extra`
  resource<Pick<typeof schemas, "remove">>()({ remove: things.remove, extra: things.remove });
});
