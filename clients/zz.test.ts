import { test } from "node:test";
import { createSimulator } from "../packages/server/src/simulator/index.ts";
import { createPlace, runIn, tidy } from "./turn.ts";
import { mkdirSync, writeFileSync } from "node:fs";
test("x", async () => {
  const s = createSimulator(); const { url } = await s.listen();
  const p = createPlace();
  const go = async (label: string, headers: any, env: any, helper = false) => {
    tidy(p); s.clear(); s.play([{ script: { status: 401, headers } }]);
    if (helper) { mkdirSync(p.home + "/.claude"); writeFileSync(p.home + "/count", ""); writeFileSync(p.home + "/helper.sh", `#!/bin/sh\necho x >> ${p.home}/count\necho key-$(wc -l < ${p.home}/count)\n`, { mode: 0o755 });
      writeFileSync(p.home + "/.claude/settings.json", JSON.stringify({ apiKeyHelper: p.home + "/helper.sh" })); }
    const t0 = Date.now();
    const t = await runIn(p, "timeout", ["15", "claude", "-p", "hi", "--model", "claude-sonnet-5"], { ANTHROPIC_BASE_URL: url, ...env });
    console.log("=====", label, Date.now()-t0, "ms rc", t.exitCode, "OUT", t.stdout.slice(0,300), "ERR", t.stderr.slice(0,300));
    const t1 = s.requests[0]?.startedAt ?? 0;
    console.log(s.requests.map(r=>[r.startedAt-t1, r.status, r.headers.filter((h,i,a)=>/^(authorization|x-api-key)$/i.test(a[i-1]??""))].join(" ")).join("\n"));
  };
  for (const h of [{}, {"x-should-retry":"false"}]) {
    await go("token "+JSON.stringify(h), h, {ANTHROPIC_AUTH_TOKEN:"t"});
    await go("apikey "+JSON.stringify(h), h, {ANTHROPIC_API_KEY:"t"});
    await go("helper "+JSON.stringify(h), h, {}, true);
  }
  await s.close();
});
