import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../../kernel/secret.ts";
import { signedHeaders } from "./signature.ts";

// Requests and signatures of AWS's published test suite for Signature Version 4.

interface Vector {
  readonly name: string;
  readonly method?: string;
  readonly target?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly token?: string;
  readonly names: string;
  readonly signature: string;
}

const stsToken =
  "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

const vectors: readonly Vector[] = [
  {
    name: "get-vanilla",
    names: "host;x-amz-date",
    signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
  },
  {
    name: "post-vanilla",
    method: "POST",
    names: "host;x-amz-date",
    signature: "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
  },
  {
    name: "get-vanilla-query-order-encoded",
    target: "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
    names: "host;x-amz-date",
    signature: "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
  },
  {
    name: "get-header-value-trim",
    headers: { "my-header1": " value1", "my-header2": ' "a   b   c"' },
    names: "host;my-header1;my-header2;x-amz-date",
    signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
  },
  {
    name: "get-vanilla-with-session-token",
    token: "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267",
    names: "host;x-amz-date;x-amz-security-token",
    signature: "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
  },
  {
    name: "post-sts-header-before",
    method: "POST",
    token: stsToken,
    names: "host;x-amz-date;x-amz-security-token",
    signature: "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
  },
  {
    name: "post-x-www-form-urlencoded",
    method: "POST",
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "content-length": "13",
      "x-amz-content-sha256": "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
    },
    body: "Param1=value1",
    names: "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
    signature: "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
  },
];

for (const vector of vectors) {
  test(`the published request ${vector.name} gets its published signature`, () => {
    const found = signedHeaders(
      {
        method: vector.method ?? "GET",
        url: new URL(vector.target ?? "/", "https://example.amazonaws.com"),
        headers: vector.headers ?? {},
        body: Buffer.from(vector.body ?? ""),
      },
      {
        region: "us-east-1",
        service: "service",
        nowMs: Date.UTC(2015, 7, 30, 12, 36),
        credentials: {
          accessKeyId: "AKIDEXAMPLE",
          secretAccessKey: new Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
          sessionToken: vector.token === undefined ? undefined : new Secret(vector.token),
          expiresAt: undefined,
        },
      },
    );
    assert.equal(
      found["authorization"],
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=${vector.names}, Signature=${vector.signature}`,
    );
  });
}
