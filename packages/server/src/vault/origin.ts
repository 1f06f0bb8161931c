const defaultPorts: Readonly<Record<string, string>> = { "https:": "443", "http:": "80" };

/**
 * The origins a value is to be sealed to, sorted and each once. An origin has one spelling, that of `URL` with the port
 * always given (`https://api.example.com:443`), because they are compared as text. Any other is a `TypeError`.
 */
export function sealableOrigins(origins: readonly string[]): readonly string[] {
  for (const origin of origins) {
    if (spell(origin) !== origin) throw new TypeError(`not the origin of a provider: ${origin}`);
  }
  return [...new Set(origins)].sort();
}

function spell(origin: string): string | undefined {
  const url = URL.parse(origin);
  const defaultPort = defaultPorts[url?.protocol ?? ""];
  if (url === null || defaultPort === undefined) return undefined;
  return `${url.protocol}//${url.hostname}:${url.port === "" ? defaultPort : url.port}`;
}
