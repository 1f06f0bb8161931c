import assert from "node:assert/strict";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { fakeClock } from "../kernel/clock.ts";
import type { Db } from "../db/index.ts";
import type { Provider } from "../providers/index.ts";
import { createRoutes, type DeclaredRoutes } from "./routes.ts";

const none: DeclaredRoutes = { file: "portcullis.yaml", routes: [] };
const clock = fakeClock();
const providers = { get: (id: string) => (id === "gone" ? undefined : ({} as Provider)) };
const start = (db: Db, declared = none) => createRoutes({ db, clock, declared, providers });
const code = (expected: string) => ({ name: "AppError", code: expected });

for (const database of databases) {
  const options = { skip: database.skip };

  test(`a route that was made is there after a restart, whole (${database.name})`, options, async () => {
    const db = await database.open();
    const routes = await start(db);
    const plain = await routes.set({ name: "house", targets: ["a/b"], displayName: "House" });
    const tiers = { reasoning: "a/large", completion: "b/medium" };
    const tiered = await routes.set({ name: "claude-*", tiers, lossy: "deny" });
    assert.deepEqual([plain.created, tiered.created], [true, true]);
    const again = await start(db);
    assert.deepEqual(again.list(), [tiered.route, plain.route]);
    assert.deepEqual(again.match("claude-opus-4-5"), tiered.route);
  });

  test(`another in its place keeps the time it was made, and nothing else (${database.name})`, options, async () => {
    const db = await database.open();
    const routes = await start(db);
    const { route: first } = await routes.set({ name: "house", target: "a/b", lossy: "deny", displayName: "House" });
    clock.advance(5);
    const { route, created } = await routes.set({ name: "house", tiers: { completion: "c/d" } });
    assert.equal(created, false);
    assert.deepEqual(route, {
      name: "house",
      destination: {
        kind: "tiers",
        tiers: { reasoning: undefined, completion: { provider: "c", model: "d" }, value: undefined },
      },
      lossy: undefined,
      displayName: undefined,
      declaredIn: undefined,
      createdAt: first.createdAt,
      updatedAt: clock.now(),
    });
    assert.deepEqual((await start(db)).list(), [route]);
  });

  test(`a route that was removed is gone, here and after a restart (${database.name})`, options, async () => {
    const db = await database.open();
    const routes = await start(db);
    await routes.set({ name: "house", target: "a/b" });
    await routes.remove("house");
    assert.equal(routes.match("house"), undefined);
    await assert.rejects(routes.remove("house"), code("not_found"));
    assert.throws(() => routes.get("house"), code("not_found"));
    assert.deepEqual((await start(db)).list(), []);
  });

  test(`what cannot be is refused, and nothing is written (${database.name})`, options, async () => {
    const db = await database.open();
    const routes = await start(db);
    await assert.rejects(routes.set({ name: "house", targets: ["a/b", "c/d"] }), code("invalid_request"));
    await assert.rejects(
      routes.set({ name: "house", target: "gone/x" }),
      /no provider `gone` for the target `gone\/x`/,
    );
    const tiers = { completion: "a/b", value: "gone/x" };
    await assert.rejects(routes.set({ name: "house", tiers }), code("invalid_request"));
    assert.deepEqual((await start(db)).list(), []);
  });

  test(`what the file declares wins over what was made, and is read-only (${database.name})`, options, async () => {
    const db = await database.open();
    const before = await start(db);
    const stored = await before.set({ name: "house", target: "a/stored" });
    const declared = { file: "portcullis.yaml", routes: [{ name: "house", target: "gone/declared" }] };
    const routes = await start(db, declared);
    assert.equal(routes.get("house").declaredIn, "portcullis.yaml");
    await assert.rejects(routes.set({ name: "house", target: "a/b" }), code("route_declared"));
    await assert.rejects(routes.remove("house"), code("route_declared"));
    routes.redeclare(none)();
    assert.deepEqual(routes.list(), [stored.route], "what was made comes back when the file lets go of its name");
  });

  test(`another declaration is checked whole before any of it is in force (${database.name})`, options, async () => {
    const routes = await start(await database.open());
    const good = { name: "good", target: "a/b" };
    assert.throws(
      () => routes.redeclare({ file: "f", routes: [good, { name: "bad", target: "b" }] }),
      code("invalid_request"),
    );
    assert.deepEqual(routes.list(), []);
    const adopt = routes.redeclare({ file: "f", routes: [good] });
    assert.deepEqual(routes.list(), []);
    adopt();
    assert.equal(routes.match("good")?.declaredIn, "f");
  });

  test(
    `changes that overlap are all made; those of another instance are read (${database.name})`,
    options,
    async () => {
      const db = await database.open();
      const [one, other] = [await start(db), await start(db)];
      const names = Array.from({ length: 20 }, (_, index) => `r${index}`);
      await Promise.all(names.map((name) => one.set({ name, target: "a/b" })));
      assert.equal(one.list().length, names.length);
      await Promise.all(names.slice(1).map((name) => one.remove(name)));
      assert.deepEqual(
        one.list().map(({ name }) => name),
        ["r0"],
      );
      assert.deepEqual(other.list(), []);
      await other.refresh();
      assert.deepEqual(other.list(), one.list());
    },
  );
}
