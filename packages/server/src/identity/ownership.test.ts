import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppError } from "../kernel/errors.ts";
import { fakeClock } from "../kernel/clock.ts";
import { Secret } from "../kernel/secret.ts";
import { databases } from "../../test/support/databases.ts";
import { createOwnership } from "./ownership.ts";

const refused = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

for (const database of databases) {
  describe(`ownership (${database.name})`, { skip: database.skip }, () => {
    test("the setup code claims the instance once", async () => {
      const ownership = createOwnership(await database.open(), fakeClock());
      const code = await ownership.newSetupCode();
      assert.ok(code);
      const owner = await ownership.claim("Ada", new Secret(code.reveal().toUpperCase().replaceAll("-", " ")));
      assert.deepEqual(await ownership.owner(), owner);
      await assert.rejects(ownership.claim("Eve", code), refused("already_claimed"));
      await assert.rejects(ownership.claim("Eve", undefined), refused("already_claimed"));
      assert.equal(await ownership.newSetupCode(), undefined);
    });

    test("a wrong code claims nothing, and after ten of them the right one is too late", async () => {
      const ownership = createOwnership(await database.open(), fakeClock());
      const code = await ownership.newSetupCode();
      for (let attempt = 0; attempt < 10; attempt++) {
        await assert.rejects(ownership.claim("Eve", new Secret("aaaa-bbbb-cccc-dddd")), refused("setup_code_invalid"));
      }
      await assert.rejects(ownership.claim("Eve", code), refused("setup_code_invalid"));
      assert.equal(await ownership.owner(), undefined);
      const admin = createOwnership(await database.open(), fakeClock());
      for (let attempt = 0; attempt < 10; attempt++) {
        await assert.rejects(admin.claim("Eve", new Secret("aaaa-bbbb-cccc-dddd")), refused("setup_code_invalid"));
      }
      assert.equal((await admin.claim("Ada", undefined)).name, "Ada", "an admin of the machine is not kept out by it");
      const next = await ownership.newSetupCode();
      assert.equal((await ownership.claim("Ada", next)).name, "Ada");
    });

    test("an older code stops working when a new one is made", async () => {
      const ownership = createOwnership(await database.open(), fakeClock());
      const old = await ownership.newSetupCode();
      await ownership.newSetupCode();
      await assert.rejects(ownership.claim("Eve", old), refused("setup_code_invalid"));
    });
  });
}
