/**
 * A process with a vault in it and nothing else, for tests that kill it or look into its memory.
 *
 *     node vault-child.ts '{"url":"sqlite:…","home":"…","change":"kek","killAt":3}'
 *
 * With `killAt`, it dies by SIGKILL in place of the n-th call of the vault's store after the start; if there are fewer, it
 * prints `done`. Without, it waits for lines on standard input, does what each says, and answers it with the same line.
 * While a vault of many records is re-wrapped, it rests until the thread for that has answered once, however fast it is.
 */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { systemClock } from "../../src/kernel/clock.ts";
import { Secret } from "../../src/kernel/secret.ts";
import { openDatabase, type Db } from "../../src/db/index.ts";
import { openHome } from "../../src/home/index.ts";
import { createVault, type Vault, type VaultStore } from "../../src/vault/index.ts";
import { createDatabaseStore } from "../../src/vault/stores/database.ts";

export interface VaultChildOptions {
  readonly url: string;
  readonly home: string;
  readonly change?: keyof typeof changes;
  readonly killAt?: number;
}

const changes = {
  put: (vault: Vault) => vault.put(ref, new Secret("sk-of-the-child"), []),
  slot: async (vault: Vault) => {
    const { id } = await vault.slots.add("environment", {
      rootKey: new Secret(Buffer.alloc(32, 7).toString("base64")),
    });
    await vault.slots.remove(id);
  },
  kek: async (vault: Vault) => {
    await vault.rotateKek();
    await vault.rewrapped();
  },
  root: async (vault: Vault) => {
    await vault.stageRoot();
    await vault.confirmRoot();
  },
  cancel: async (vault: Vault) => {
    await vault.stageRoot();
    await vault.cancelRoot();
  },
  pepper: async (vault: Vault) => {
    await vault.rotateNamedKey("token");
    await vault.dropNamedKey("token", 0);
  },
};
const ref = { type: "secret", id: "child", field: "value" } as const;

if (process.argv[1] === import.meta.filename) await main(JSON.parse(process.argv[2] ?? "{}") as VaultChildOptions);

async function main({ url, home: path, change, killAt }: VaultChildOptions): Promise<void> {
  const home = openHome(path);
  const db = await openDatabase({ url, home: path });
  const calls = { left: Number.POSITIVE_INFINITY };
  const store = dyingStore(db, calls);
  const threads = watchThreads();
  const parts = { db, home, store, clock: systemClock, options: { unlocker: "auto" } } as const;
  const vault = createVault({ ...parts, ...(killAt === undefined && { rest: threads.answered }) });
  await vault.start();
  if (change !== undefined && killAt !== undefined) {
    calls.left = killAt;
    await changes[change](vault);
    process.stdout.write("done\n");
    process.exit(0);
  }
  process.stdout.write("started\n");
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "seal") vault.seal();
    else if (line === "seal in the middle") {
      await vault.rotateKek();
      await threads.answered();
      vault.seal();
    } else if (line === "read")
      for (const { id, field } of await vault.list("credential")) await vault.get({ type: "credential", id, field });
    else await changes[line as keyof typeof changes](vault);
    process.stdout.write(`${line}\n`);
  }
}

/** `answered` resolves once the last thread that was started has sent a message, or is no more; at once if there was none. */
function watchThreads(): { answered(): Promise<void> } {
  let last: Promise<unknown> = Promise.resolve();
  process.on("worker", (worker) => {
    last = Promise.race([once(worker, "message"), once(worker, "exit")]).catch(() => undefined);
  });
  return {
    answered: async () => {
      await new Promise((resolve) => void setImmediate(resolve));
      await last;
    },
  };
}

function dyingStore(db: Db, calls: { left: number }): VaultStore {
  return new Proxy(createDatabaseStore(db), {
    get(target, name) {
      const original: unknown = Reflect.get(target, name);
      if (typeof original !== "function") return original;
      return (...parameters: unknown[]): unknown => {
        if (--calls.left <= 0) process.kill(process.pid, "SIGKILL");
        return Reflect.apply(original, target, parameters);
      };
    },
  });
}
