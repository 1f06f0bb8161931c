/** Request heads made wrong at random, one to three times each, many of them still right. All text is Latin-1. */
import type { Random } from "./random.ts";

/** Plain heads, line ends as `\n`. */
export const plainHeads: readonly [string, ...string[]] = [
  "POST /v1/chat/completions HTTP/1.1\nHost: localhost:8484\nContent-Length: 20\n\n",
  "POST /v1/messages?beta=true HTTP/1.1\nhost: 127.0.0.1:8484\nconnection: keep-alive\ncontent-type: application/json\nx-api-key: pc_abc\nanthropic-version: 2023-06-01\naccept: */*\naccept-language: *\nsec-fetch-mode: cors\nuser-agent: node\naccept-encoding: gzip, deflate\ncontent-length: 33\n\n",
  "POST /v1/responses HTTP/1.1\nHost: localhost\nAccept-Encoding: gzip, deflate\nConnection: keep-alive\nAccept: application/json\nContent-Type: application/json\nUser-Agent: OpenAI/Python 2.1.0\nX-Stainless-Lang: python\nAuthorization: Bearer pc_abc\nContent-Length: 5\n\n",
  "POST /a HTTP/1.1\ncontent-length:0\nhost:x\n\n",
];

const lines: readonly [string, ...string[]] = [
  "X-Name: value",
  "x-name: other",
  "Host: localhost",
  "host: evil.example",
  "Cookie: a=b; c=d",
  "Set-Cookie: a=b",
  "Age: 1",
  "From: a",
  "User-Agent: twice",
  "Content-Type: text/plain",
  "constructor: x",
  "__proto__: x",
  "Empty:",
  "Blank: \t ",
  "Tab:\tvalue\t",
  "Trailing: value  ",
  "Colons: a:b::c",
  "Connection: keep-alive",
  "Connection: Keep-Alive",
  "connection: close",
  "Connection: keep-alive ",
  "Proxy-Connection: keep-alive",
  "Proxy-Connection: close",
  "Keep-Alive: timeout=5",
  "Content-Length: 3",
  "Content-Length : 3",
  "Content-Length: 3, 3",
  "Content-Length: +3",
  "Content-Length:\t3",
  "Content-Length: 3\t",
  "Content-Length: 3 ",
  "Content_Length: 3",
  "Content-Length\0: 3",
  "Transfer-Encoding: chunked",
  "Transfer-Encoding : chunked",
  "Transfer-Encoding: identity",
  "Transfer_Encoding: chunked",
  "Expect: 100-continue",
  "Upgrade: h2c",
  "TE: trailers",
  "Trailer: X",
  " folded",
  "\tfolded",
  "no colon",
  ": no name",
  "X Y: z",
  "!#$%&'*+-.^_`|~: all that a name may be made of",
  `Long: ${"x".repeat(9_000)}`,
];
const pieces: readonly [string, ...string[]] = [
  "\r",
  ..."\n \t:;,/?#%&=+-.0123456789aZ\0\x01\x0b\x7f\x80\xa0\xff\"'\\<>[]{}|^`~_",
  "\r\n",
  "\n\n",
  "\r\n\r\n",
  "\r\n ",
  "chunked",
  "HTTP/1.1",
  "POST ",
  "..",
  "//",
];
const lengths: readonly [string, ...string[]] = [
  "0",
  "1",
  "9",
  "10",
  "20",
  "33",
  "300",
  "00",
  "03",
  "+3",
  "-3",
  "3 3",
  "3,3",
  "0x3",
  "3\t",
  "\t3",
  "3 \t ",
  " 3 ",
  "",
];
const targets: readonly [string, ...string[]] = [
  "/",
  "/a?b?c",
  "/a#b",
  "/##",
  "/?#?#",
  "//a",
  "/%00",
  "/%",
  "/a;b=c",
  "/\\",
  '/"<>^`{|}',
  "*",
  "http://a/b",
  "a",
  "/~!$&'()*+,;=:@",
];

const tempting: readonly [string, ...string[]] = [
  "0\r\n\r\n",
  "5\r\nabcde\r\n0\r\n\r\n",
  "GET /inside HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "\r\n\r\n",
  '{"model":"a"}',
  "\0\xff",
];

type Mutation = (text: string) => string;
function splice(text: string, from: number, removed: number, added: string): string {
  return text.slice(0, from) + added + text.slice(from + removed);
}

export interface Mutants {
  head(): Buffer;
  /** Text that could be taken for the end of a body, or for another request. */
  body(size: number): string;
}

export function createMutants(random: Random): Mutants {
  const at = (text: string): number => random.between(0, text.length - 1);

  /** One of its header lines, and where it stands in it. */
  function pickLine(text: string): { readonly start: number; readonly end: number } {
    const starts = [...text.matchAll(/\r\n(?=[^\r])/g)].map(({ index }) => index + 2);
    const [first = 0, ...others] = starts;
    const start = random.pick([first, ...others]);
    const end = text.indexOf("\r\n", start);
    return { start, end: end === -1 ? text.length : end };
  }

  const mutations: readonly [Mutation, ...Mutation[]] = [
    (text) => splice(text, at(text), 0, random.pick(pieces)),
    (text) => splice(text, at(text), 1, random.pick(pieces)),
    (text) => splice(text, at(text), 1, ""),
    (text) => splice(text, pickLine(text).start, 0, `${random.pick(lines)}\r\n`),
    (text) => splice(text, pickLine(text).start, 0, `${random.pick(lines)}\r\n`),
    (text) => splice(text, pickLine(text).end, 0, random.pick([" ", "\t", " \t", ",", "\0", "x", ";q=1"])),
    (text) => splice(text, pickLine(text).end, 2, random.pick(["\n", "\r", "\n\r", "\r\r\n", "\r\n\r\n", ""])),
    (text) => text.replace(/(?<=content-length:)[^\r]*/i, (was) => random.pick([was, ` ${random.pick(lengths)}`])),
    (text) => text.replace(/(?<=content-length:)[^\r]*/i, () => random.pick(lengths)),
    (text) => text.replace(/(?<=^POST )\S*/, () => random.pick(targets)),
    (text) => {
      const { start, end } = pickLine(text);
      return splice(text, pickLine(text).start, 0, `${text.slice(start, end)}\r\n`);
    },
    (text) => {
      const { start, end } = pickLine(text);
      const line = text.slice(start, end);
      return splice(text, start, end - start, random.pick([line.toUpperCase(), line.toLowerCase(), ` ${line}`]));
    },
  ];

  return {
    head() {
      let text = random.pick(plainHeads).replaceAll("\n", "\r\n");
      for (let left = random.between(1, 3); left > 0; left -= 1) text = random.pick(mutations)(text);
      return Buffer.from(text, "latin1");
    },
    body(size) {
      let body = "";
      while (body.length < size) body += random.pick(tempting);
      return body.slice(0, size);
    },
  };
}
