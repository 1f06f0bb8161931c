import type { Config } from "./config/index.ts";

/**
 * What modules read of the configuration while they run. They are given these objects and not copies of what is in them,
 * so that `adopt` changes it for all of them between two events, with no moment at which half of it is new.
 */
export type LiveSettings = ReturnType<typeof settingsOf> & { adopt(config: Config): void };

export function createLiveSettings(config: Config): LiveSettings {
  const settings = settingsOf(config);
  return {
    ...settings,
    adopt(next) {
      const { headRules, bodyLimits, keyDefaults, drain, reveal, credentialTests, translation } = settingsOf(next);
      Object.assign(settings.headRules, headRules);
      Object.assign(settings.bodyLimits, bodyLimits);
      Object.assign(settings.keyDefaults, keyDefaults);
      Object.assign(settings.drain, drain);
      Object.assign(settings.reveal, reveal);
      Object.assign(settings.credentialTests, credentialTests);
      Object.assign(settings.translation, translation);
    },
  };
}

function settingsOf({ server, credentials, keys, translation, vault }: Config) {
  return {
    headRules: { hosts: new Set([...server.allowedHosts, server.host]), origins: new Set(server.allowedOrigins) },
    bodyLimits: { limitBytes: server.bodyLimitBytes, timeoutMs: server.bodyTimeoutMs, minRate: server.bodyMinRate },
    keyDefaults: { keyLifeMs: keys.expiresMs },
    drain: { delayMs: server.shutdownDelayMs, limitMs: server.drainMs },
    reveal: { allowed: vault.reveal },
    credentialTests: { testEveryMs: credentials.testEveryMs },
    translation: { lossy: translation.lossy },
  };
}
