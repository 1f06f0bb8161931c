import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface TlsCertificate {
  readonly key: string;
  /** Signed by itself, so it is its own authority. */
  readonly cert: string;
}

/** Why there is none to be had, or `false`. */
export function certificateObstacle(): string | false {
  const found = spawnSync("openssl", ["version"]).error === undefined;
  return found ? false : "openssl is missing; install it with `apt-get install openssl`";
}

/** A new certificate for names and addresses, good for a day. */
export function createCertificate(...names: readonly string[]): TlsCertificate {
  const directory = mkdtempSync(join(tmpdir(), "portcullis-tls-"));
  const [key, cert] = [join(directory, "key.pem"), join(directory, "cert.pem")];
  const alternatives = names.map((name) => (/^[\d.:]+$/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(",");
  const kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  try {
    execFileSync(
      "openssl",
      [...kind, "-subj", "/CN=test", "-addext", `subjectAltName=${alternatives}`, "-keyout", key, "-out", cert],
      { stdio: "ignore" },
    );
    return { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
