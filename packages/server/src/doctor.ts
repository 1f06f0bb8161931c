import { createConnection } from "node:net";
import { totalmem } from "node:os";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type { Finding, Place } from "./cli/index.ts";
import type { LoadedConfig } from "./config/index.ts";
import { migrationStatus, openDatabase } from "./db/index.ts";
import { homePath, readAdminToken } from "./home/index.ts";
import { asAppError, describe } from "./kernel/errors.ts";
import { load } from "./settings.ts";

type Check = (loaded: LoadedConfig) => Promise<Finding>;

/** Looks for what keeps a gateway from running well here. Changes nothing, and works while a gateway runs. */
export async function doctor(place: Place): Promise<readonly Finding[]> {
  const node: Finding = { check: "Node.js", state: "ok", detail: process.version };
  let loaded: LoadedConfig;
  try {
    loaded = load(place);
  } catch (thrown) {
    return [node, failed("configuration", thrown)];
  }
  const file = loaded.file ?? "no file; defaults and environment are in force";
  const findings: Finding[] = [node, { check: "configuration", state: "ok", detail: file }];
  for (const [name, check] of Object.entries(checks)) {
    findings.push(await check(loaded).catch((thrown: unknown) => failed(name, thrown)));
  }
  return findings;
}

const checks: Readonly<Record<string, Check>> = {
  home: async ({ home }) => {
    const token = await readAdminToken(homePath(home));
    if (token === undefined)
      return {
        check: "home",
        state: "warning",
        detail: `${home} was never used`,
        hint: "start once with `portcullis serve`",
      };
    return { check: "home", state: "ok", detail: home };
  },

  database: async ({ config, home }) => {
    const url = config.storage.url.reveal();
    if ((await readAdminToken(homePath(home))) === undefined && url.startsWith("sqlite:")) {
      return { check: "database", state: "ok", detail: "SQLite, made at the first start" };
    }
    const db = await openDatabase({ url, home });
    try {
      const { current, known, pending } = await migrationStatus(db);
      const detail = `${db.describe}, schema ${current} of ${known}`;
      if (pending.length === 0) return { check: "database", state: "ok", detail };
      return {
        check: "database",
        state: "warning",
        detail,
        hint: "it is brought up to date at the next start, or by `portcullis db migrate`",
      };
    } finally {
      await db.close();
    }
  },

  gateway: async ({ config }) => {
    const { host, port } = config.server;
    const running = await answers(host, port);
    if (running) return { check: "gateway", state: "ok", detail: `something answers on ${host}:${port}` };
    return {
      check: "gateway",
      state: "warning",
      detail: `nothing answers on ${host}:${port}`,
      hint: "start it with `portcullis serve`",
    };
  },

  "disk space": async ({ home }) => {
    const { bavail, bsize } = await statfs(home).catch(() => statfs(dirname(home)));
    const freeMiB = Math.floor((bavail * bsize) / 2 ** 20);
    const detail = `${freeMiB} MiB free for ${home}`;
    if (freeMiB >= 512) return { check: "disk space", state: "ok", detail };
    return {
      check: "disk space",
      state: "warning",
      detail,
      hint: "without room for the journal no request is accepted",
    };
  },

  memory: async () => {
    const totalMiB = Math.floor(totalmem() / 2 ** 20);
    const detail = `${totalMiB} MiB`;
    if (totalMiB >= 512) return { check: "memory", state: "ok", detail };
    return { check: "memory", state: "warning", detail, hint: "plan for 512 MiB or more" };
  },
};

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({
      host: host === "0.0.0.0" || host === "::" ? "localhost" : host,
      port,
      timeout: 1_000,
    });
    const finish = (result: boolean): void => {
      socket.destroy();
      resolve(result);
    };
    socket.on("connect", () => finish(true));
    socket.on("timeout", () => finish(false));
    socket.on("error", () => finish(false));
  });
}

function failed(check: string, thrown: unknown): Finding {
  const error = asAppError(thrown);
  const detail = error.code === "internal" ? describe(thrown) : error.message;
  return { check, state: "failed", detail, hint: error.hint };
}
