/** Requests whose head is in order as a proxy sees it: wrong are the body, what is said of it, the key, or the sender. */
import { gzipSync } from "node:zlib";
import { shown, type Row } from "./raw-hostile-row.ts";
import { bodyOf, placeNames, places } from "./raw-request.ts";

/** What is wrong with a body, by the member that makes it so; `null` for the whole body. */
const members = [
  '"model":"x"',
  '"m\\u006fdel":"x"',
  '"Model":"x"',
  '"MODEL":"x"',
  '"\\u006d\\u006f\\u0064\\u0065\\u006c":"x"',
  '"stream":true,"stream":false',
  '"Stream":true',
  '"__proto__":{}',
  '"\\u005f_proto__":1',
  '"x":[{"__proto__":1}]',
  '"x":1e400',
  '"x":-1e999',
  '"x":[{"y":1E+400}]',
  '"x":NaN',
  '"x":Infinity',
  '"x":01',
  '"x":+1',
  '"x":.5',
  '"x":1.',
  '"x":0x10',
  '"x":1e',
  '"x":--1',
  '"x":undefined',
  '"x":True',
  '"x":nul',
  "'x':1",
  "x:1",
  '"x":1,',
  ',"x":1',
  '"x" 1',
  '"x"::1',
  '"x":[1,]',
  '"x":[1 2]',
  '"x":{,}',
  '"x":{"y"}',
  '"x":"a\nb"',
  '"x":"a\x00b"',
  '"x":"\\x41"',
  '"x":"\\u12g4"',
  '"x":"\\u12"',
  '"x":"a',
  '"x":1/**/',
  '"x":1//',
  '"x":"\xff"',
  '"x":"\xc0\xa2"',
  '"x":"\xed\xa0\x80"',
  '"x":"\xf8\x88\x80\x80\x80"',
  '"x":"\xe9"',
  `"x":${"[".repeat(128)}${"]".repeat(128)}`,
  `"x":${'{"y":'.repeat(200)}1${"}".repeat(200)}`,
  `"x":${"[".repeat(50_000)}`,
  `"x":${"9".repeat(5_000)}`,
] as const;

const wholeBodies: readonly ((good: string) => string)[] = [
  () => "",
  () => " \r\n",
  (good) => `[${good}]`,
  (good) => `${good}${good}`,
  (good) => `${good}\x00`,
  (good) => `\xef\xbb\xbf${good}`,
  (good) => `\xff\xfe${[...good].join("\x00")}\x00`,
  (good) => good.slice(0, -1),
  (good) => `${good}}`,
  (good) => `)]}',\n${good}`,
  (good) => JSON.stringify(good),
  () => "null",
  () => "{}",
  (good) => gzipSync(good).toString("latin1"),
  (good) => `data: ${good}\n\n`,
];

const bodies: readonly Row[] = placeNames.flatMap((place) => {
  const rows = members.map((member): Row => {
    const body = (id: string): string => `{${member},${bodyOf(place, id).slice(1)}`;
    return [`${place}: ${shown(member)} in the body`, ({ id }) => ({ place, body: body(id) })];
  });
  const whole = wholeBodies.map((twist): Row => {
    return [`${place}: the body ${shown(twist("{…}"))}`, ({ id }) => ({ place, body: twist(bodyOf(place, id)) })];
  });
  return [...rows, ...whole];
});

const compressions: readonly Row[] = [
  "gzip",
  "GZIP",
  "x-gzip",
  "deflate",
  "br",
  "zstd",
  "compress",
  "identity, gzip",
  "gzip, gzip",
  "none",
  "*",
].flatMap((value): Row[] => [
  [`Content-Encoding ${value} that is none`, () => ({ extra: [`Content-Encoding: ${value}`] })],
  [
    `Content-Encoding ${value}`,
    ({ id }) => ({ extra: [`Content-Encoding: ${value}`], body: gzipSync(bodyOf("chat", id)).toString("latin1") }),
  ],
]);

const types: readonly Row[] = [
  "text/plain",
  "text/json",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "json",
  "",
  "application/jsonx",
  "application",
  "text/html, application/json",
  "*/*",
].map((value): Row => [`Content-Type ${shown(value)}`, () => ({ type: [`Content-Type: ${value}`] })]);

const spoiled: readonly ((key: string) => string)[] = [
  () => "",
  () => "Bearer",
  () => "Bearer ",
  (key) => key,
  (key) => `Basic ${key}`,
  (key) => `Bearer  ${key} x`,
  (key) => `Bearer ${key},`,
  (key) => `Bearer ${key}, Bearer ${key}`,
  (key) => `Bearer "${key}"`,
  (key) => `Bearer ${key.slice(0, -1)}`,
  (key) => `Bearer ${key}x`,
  (key) => `Bearer ${key.toUpperCase()}`,
  (key) => `Bearer ${key.replace("pc_", "pca_")}`,
  (key) => `Bearer ${key.slice(3)}`,
  (key) => `Bearer\t${key}`,
  (key) => `Bearer: ${key}`,
  (key) => `Token ${key}`,
  (key) => `Bearer ${encodeURIComponent(`${key} `)}`,
  () => "Bearer sk-ant-0123456789",
  () => "Bearer null",
];

const keys: readonly Row[] = [
  ...spoiled.map(
    (spell): Row => [
      `Authorization ${shown(spell("pc_…"))}`,
      ({ key }) => ({ auth: [`Authorization: ${spell(key)}`] }),
    ],
  ),
  ["no key", () => ({ auth: [] })],
  ...["key", "api_key", "api-key", "access_token", "x"].map(
    (name): Row => [
      `the key in the query as ${name}`,
      ({ key }) => ({ line: `POST ${places.chat.path}?${name}=${key} HTTP/1.1` }),
    ],
  ),
  ...[
    "Cookie: key=",
    "Proxy-Authorization: Bearer ",
    "X-Forwarded-Authorization: Bearer ",
    "X-Auth-Token: ",
    "X_Api_Key: ",
  ].map((field): Row => [`the key in ${field}`, ({ key }) => ({ auth: [`${field}${key}`] })]),
];

/** What a web page of another site sends. */
const origins: readonly Row[] = [
  "Origin: null",
  "Origin: https://evil.example",
  "Origin: http://localhost.evil.example",
  "Origin: http://localhost@evil.example",
  "Origin: http://localhost:1",
  "Origin: file://",
  "Sec-Fetch-Site: cross-site",
  "Sec-Fetch-Site: same-site",
  "Origin:",
].map((field): Row => [field, () => ({ extra: [field] })]);

export const contents: readonly Row[] = [...bodies, ...compressions, ...types, ...keys, ...origins];
