/** Requests whose end two programs could see in two places; what lies between would be another request. */
import { shown, type Row } from "./raw-hostile-row.ts";
import { bodyOf, chunked, places, requestBytes, type Sender } from "./raw-request.ts";

/** A good request, to stand in the body of another. */
const inside = (sender: Sender): string => requestBytes({ ...sender, id: `${sender.id}-inside` });

const transferEncodings = [
  "gzip, chunked",
  "chunked, gzip",
  "chunked, chunked",
  "chunked,",
  ",chunked",
  "identity",
  "identity, chunked",
  "xchunked",
  "chunkedx",
  "chunked;q=1",
  '"chunked"',
  "'chunked'",
  "chun ked",
  "chunked\x00",
  "\x0bchunked",
  "chunked\x0b",
  "\x0cchunked",
  "",
  "deflate",
  "br",
  "0",
  "trailers",
  "chunked\x7f",
  "chunk\xe9d",
  "chunked, identity",
  "chunked\r\n\t, gzip",
  "[chunked]",
] as const;

const contentLengths: readonly ((size: number) => string)[] = [
  (size) => `+${size}`,
  (size) => `-${size}`,
  (size) => `0x${size.toString(16)}`,
  (size) => `${size}, ${size}`,
  (size) => `${size}, 0`,
  (size) => `0, ${size}`,
  (size) => `${size} ${size}`,
  (size) => `${size}\x0b`,
  (size) => `\x0c${size}`,
  (size) => `${size}.0`,
  (size) => `${size}e0`,
  (size) => `"${size}"`,
  (size) => `${size};`,
  (size) => `${size}\x00`,
  (size) => `${size},`,
  () => "",
  () => "-0",
  () => "NaN",
  () => "99999999999999999999",
  () => "18446744073709551616",
  (size) => `1${"0".repeat(30)}${size}`,
  (size) => `${size}_`,
  (size) => `(${size})`,
  (size) => `${size}\xb2`,
  (size) => `0o${size}`,
];

const chunkSizes: readonly ((hex: string) => string)[] = [
  (hex) => `0x${hex}`,
  (hex) => `+${hex}`,
  (hex) => `-${hex}`,
  (hex) => ` ${hex}`,
  (hex) => `${hex}\t`,
  (hex) => `${hex} `,
  (hex) => `${hex}\x0b`,
  (hex) => `${hex}g`,
  (hex) => `${hex}\x00`,
  (hex) => `"${hex}"`,
  (hex) => `${hex},`,
  (hex) => `${hex}.0`,
  () => "",
  () => "g",
  () => "-1",
  () => "ffffffffffffffffff",
  () => "10000000000000000",
  (hex) => `${hex};a\nb`,
  (hex) => `${hex};a\rb`,
  (hex) => `${hex};a="\n"`,
  (hex) => `${hex}\r`,
  (hex) => `${hex}\n`,
  (hex) => `\r\n${hex}`,
  (hex) => `${hex};${"x".repeat(20_000)}`,
  (hex) => `${hex};\x00`,
];

export const framing: readonly Row[] = [
  ...transferEncodings.flatMap((value): Row[] => [
    [
      `Transfer-Encoding ${shown(value)}`,
      (sender) => ({
        framing: [`Transfer-Encoding: ${value}`],
        body: chunked(bodyOf("chat", sender.id)) + inside(sender),
      }),
    ],
    [
      `Transfer-Encoding ${shown(value)} and a length`,
      (sender) => {
        const body = `0\r\n\r\n${inside(sender)}`;
        return { framing: [`Content-Length: ${body.length}`, `Transfer-Encoding: ${value}`], body };
      },
    ],
  ]),
  ...["chunked", "Chunked", " chunked", "chunked ", "\tchunked"].map(
    (value): Row => [
      `Transfer-Encoding ${shown(value)} and a length`,
      (sender) => {
        const body = chunked(bodyOf("chat", sender.id)) + inside(sender);
        return { framing: [`Transfer-Encoding: ${value}`, `Content-Length: ${body.length}`], body };
      },
    ],
  ),
  ...[
    "Transfer-Encoding ",
    "Transfer-Encoding\t",
    " Transfer-Encoding",
    "Transfer\x00Encoding",
    "Transfer-Encoding\x0b",
  ].map(
    (name): Row => [
      `the header ${shown(name)}`,
      (sender) => {
        const body = `0\r\n\r\n${inside(sender)}`;
        return { framing: [`Content-Length: ${body.length}`, `${name}: chunked`], body };
      },
    ],
  ),
  [
    "Transfer-Encoding twice",
    () => ({ framing: ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], body: "0\r\n\r\n" }),
  ],
  [
    "Transfer-Encoding twice, one empty",
    () => ({ framing: ["Transfer-Encoding: chunked", "Transfer-Encoding:"], body: "0\r\n\r\n" }),
  ],
  [
    "chunks in HTTP/1.0",
    (sender) => ({
      line: `POST ${places.chat.path} HTTP/1.0`,
      framing: ["Transfer-Encoding: chunked"],
      body: chunked(bodyOf("chat", sender.id)),
    }),
  ],
  ...contentLengths.map((spell): Row => {
    const name = `Content-Length ${shown(spell(80))}`;
    return [name, (sender) => ({ framing: [`Content-Length: ${spell(bodyOf("chat", sender.id).length)}`] })];
  }),
  [
    "two lengths that differ",
    (sender) => {
      const body = bodyOf("chat", sender.id) + inside(sender);
      return {
        framing: [`Content-Length: ${bodyOf("chat", sender.id).length}`, `Content-Length: ${body.length}`],
        body,
      };
    },
  ],
  [
    "two lengths that do not",
    (sender) => {
      const { length } = bodyOf("chat", sender.id);
      return { framing: [`Content-Length: ${length}`, `content-length: ${length}`] };
    },
  ],
  ...["GET", "HEAD"].flatMap((method): Row[] => [
    [
      `a ${method} with a length`,
      (sender) => ({ line: `${method} ${places.chat.path} HTTP/1.1`, body: inside(sender) }),
    ],
    [
      `a ${method} with chunks`,
      (sender) => ({
        line: `${method} /v1/models HTTP/1.1`,
        framing: ["Transfer-Encoding: chunked"],
        body: chunked(inside(sender)),
      }),
    ],
  ]),
  ...chunkSizes.map(
    (spell): Row => [
      `a chunk of ${shown(spell("5f"))} bytes`,
      (sender) => {
        const body = bodyOf("chat", sender.id);
        return { framing: ["Transfer-Encoding: chunked"], body: chunked(body, spell(body.length.toString(16))) };
      },
    ],
  ),
  ...["\n", "\r", "", "x\r\n", "\r\r\n", "\n\n", " \r\n"].map(
    (end): Row => [
      `a chunk that ends with ${shown(end)}`,
      (sender) => {
        const body = bodyOf("chat", sender.id);
        return {
          framing: ["Transfer-Encoding: chunked"],
          body: `${body.length.toString(16)}\r\n${body}${end}0\r\n\r\n`,
        };
      },
    ],
  ),
];
