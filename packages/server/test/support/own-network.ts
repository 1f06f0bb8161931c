/**
 * A network of one's own, in which this machine is at every address there is: whatever a process in it connects to, it
 * reaches a listener of the test, which sees the address that was meant. Linux, with the right to make namespaces.
 */
import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmdirSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const nameServer = "127.0.0.53";

/** Every address is local, names are resolved by `answerNames`, and temporary files lie in memory. */
const setup = `set -e
ip link set lo up
ip route add local 0.0.0.0/0 dev lo
ip -6 route add local ::/0 dev lo
mount -t tmpfs tmpfs "$1"
export TMPDIR="$1"
printf "nameserver ${nameServer}\\noptions timeout:1\\n" > "$1/resolv.conf"
mount --bind "$1/resolv.conf" /etc/resolv.conf
shift
exec "$@"`;

const enter = ["--map-root-user", "--net", "--mount", "sh", "-c", setup, "sh"];

/** Why there can be no such network here; `undefined` if there can. */
export function networkObstacle(): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), "portcullis-network-"));
  const { status, stderr, error } = spawnSync("unshare", [...enter, directory, "true"]);
  rmdirSync(directory);
  if (status === 0) return undefined;
  return `NOT TESTED: no network of its own can be made here (${error?.message ?? stderr.toString().trim()})`;
}

/** Runs a script in such a network; resolves to what it printed. Rejects with its standard error if it fails. */
export async function runInOwnNetwork(script: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "portcullis-network-"));
  const child = spawn("unshare", [...enter, directory, process.execPath, script], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: Buffer[] = [];
  const problems: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => problems.push(chunk));
  const [code] = (await once(child, "close")) as unknown[];
  rmdirSync(directory);
  if (code !== 0) throw new Error(`${script} ended with ${String(code)}: ${Buffer.concat(problems).toString()}`);
  return Buffer.concat(output).toString();
}

/** Listens at every address; `onConnection` is told which one was meant. Resolves once it listens. */
export async function listenEverywhere(port: number, onConnection: (address: string) => void): Promise<void> {
  const server = createServer((socket) => {
    onConnection((socket.localAddress ?? "").replace(/^::ffff:/, ""));
    socket.on("error", () => undefined);
    socket.destroy();
  });
  server.listen(port, "::");
  await once(server, "listening");
}

/**
 * Answers for `to-HEX.…` with the address that HEX spells, for `both-HEX.…` with it and the public one, and for
 * `later-HEX.…` with the public one at first and from then on with it. Nothing may be kept.
 */
export async function answerNames(publicAddress: string): Promise<void> {
  const asked = new Set<string>();
  const socket = createSocket("udp4");
  socket.on("message", (query, { address, port }) => {
    const { name, type, end } = readQuestion(query);
    const [how = "", hex = ""] = (name.split(".")[0] ?? "").split("-");
    const meant = Buffer.from(hex, "hex").toString();
    const first = !asked.has(`${type} ${name}`);
    asked.add(`${type} ${name}`);
    const addresses = how === "both" ? [meant, publicAddress] : [how === "later" && first ? publicAddress : meant];
    const fitting = addresses.filter((one) => one !== "" && one.includes(":") === (type === 28));
    socket.send(answer(query.subarray(0, end), type, fitting), port, address);
  });
  socket.bind(53, nameServer);
  await once(socket, "listening");
}

/** The question of a DNS message (RFC 1035 §4.1): one name, one type. */
function readQuestion(query: Buffer): { readonly name: string; readonly type: number; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
  return { name: labels.join("."), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function answer(question: Buffer, type: number, addresses: readonly string[]): Buffer {
  const head = Buffer.from(question);
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt16BE(addresses.length, 6);
  head.writeUInt32BE(0, 8);
  const records = addresses.map((address) => {
    const bytes = address.includes(":") ? bytesOfIpv6(address) : Buffer.from(address.split(".").map(Number));
    // The name of the question; its type; Internet; kept for 0 seconds; the length of the address.
    const fixed = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, bytes.length]);
    return Buffer.concat([fixed, bytes]);
  });
  return Buffer.concat([head, ...records]);
}

function bytesOfIpv6(address: string): Buffer {
  const [head = "", tail = ""] = address.split("::");
  const parse = (text: string): number[] =>
    (text === "" ? [] : text.split(":")).flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 255];
    });
  const [before, after] = [parse(head), parse(tail)];
  return Buffer.from([...before, ...Array<number>(16 - before.length - after.length).fill(0), ...after]);
}
