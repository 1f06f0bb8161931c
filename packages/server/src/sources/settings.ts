/**
 * Where the sources are and how the gateway proves itself to them. What is not given is found as the vendor's own tools find
 * it: in variables, in their files, by the machine's identity.
 */
export interface SourceSettings {
  /** How long a value is used before it is read again. */
  readonly cacheMs: number;
  /** How long after it was read a value may be used while its source fails. */
  readonly keepMs: number;
  /** How long a source may take to answer. */
  readonly timeoutMs: number;
  readonly vault: {
    readonly address?: string | undefined;
    readonly namespace?: string | undefined;
    readonly auth: "token" | "approle" | "kubernetes";
    /** The path of the auth method. */
    readonly mount?: string | undefined;
    readonly tokenFile?: string | undefined;
    readonly role?: string | undefined;
    /** The service account's token, if not where Kubernetes puts it. */
    readonly jwtFile?: string | undefined;
    readonly roleId?: string | undefined;
    readonly secretIdFile?: string | undefined;
    readonly caFile?: string | undefined;
  };
  readonly aws: {
    readonly region?: string | undefined;
    readonly profile?: string | undefined;
    readonly endpoint?: string | undefined;
  };
  readonly gcp: {
    readonly project?: string | undefined;
    readonly credentialsFile?: string | undefined;
    readonly endpoint?: string | undefined;
  };
  readonly azure: {
    readonly vaultSuffix?: string | undefined;
    readonly endpoint?: string | undefined;
    readonly metadata?: string | undefined;
  };
  readonly op: {
    readonly address?: string | undefined;
    readonly tokenFile?: string | undefined;
    readonly caFile?: string | undefined;
  };
}
