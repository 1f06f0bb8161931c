/**
 * Addresses that no provider may have, and the ways to write them so that a check might take them for something else.
 */

/** One address of every special range, by the range's name. */
export const forbiddenRanges: Readonly<Record<string, string>> = {
  "this network": "0.1.2.3",
  unspecified: "0.0.0.0",
  "private 10": "10.1.2.3",
  "shared 100.64": "100.64.1.2",
  loopback: "127.0.0.1",
  "loopback, not .1": "127.1.2.3",
  "link-local": "169.254.1.2",
  "metadata (AWS and others)": "169.254.169.254",
  "metadata (Alibaba)": "100.100.100.200",
  "private 172.16": "172.16.1.2",
  "protocol assignments": "192.0.0.1",
  "documentation 192.0.2": "192.0.2.1",
  "6to4 relays": "192.88.99.1",
  "private 192.168": "192.168.1.2",
  benchmarks: "198.18.1.2",
  "documentation 198.51.100": "198.51.100.1",
  "documentation 203.0.113": "203.0.113.1",
  multicast: "224.0.0.1",
  reserved: "240.1.2.3",
  broadcast: "255.255.255.255",
  "unspecified, IPv6": "::",
  "loopback, IPv6": "::1",
  "NAT64 of a local network": "64:ff9b:1::a01:203",
  "discard, IPv6": "100::1",
  Teredo: "2001::1",
  "documentation, IPv6": "2001:db8::1",
  "documentation 3fff": "3fff::1",
  "segment routing": "5f00::1",
  "unique local": "fd12:3456::1",
  "metadata (AWS, IPv6)": "fd00:ec2::254",
  "link-local, IPv6": "fe80::1",
  "site-local": "fec0::1",
  "multicast, IPv6": "ff02::1",
  unassigned: "4000::1",
};

/** A public address, to hide behind. */
export const publicAddress = "93.184.216.34";

/** Every way to write one address as the host of a URL, by name; `port` is the port to be called. */
export function spellingsOf(address: string, port: number): Readonly<Record<string, string>> {
  const hosts = address.includes(":") ? hostsOfIpv6(address) : hostsOfIpv4(address);
  const [plain = ""] = Object.values(hosts);
  const urls = Object.fromEntries(Object.entries(hosts).map(([name, host]) => [name, `https://${host}:${port}`]));
  return {
    ...urls,
    "default port": `https://${plain}`,
    "plain http": `http://${plain}:${port}`,
    "upper-case scheme": `HTTPS://${plain}:${port}`,
    "port with zeros": `https://${plain}:000${port}`,
    "port past 65535": `https://${plain}:${port + 65_536}`,
    "with a path": `https://${plain}:${port}/v1`,
    "user name": `https://${publicAddress}@${plain}:${port}`,
    "user name and password": `https://api.openai.com:443@${plain}:${port}`,
    "backslash for slash": `https:\\\\${plain}:${port}`,
    "backslash before @": `https://${publicAddress}\\@${plain}:${port}`,
    "fragment before @": `https://${plain}:${port}#@${publicAddress}`,
    "query before @": `https://${plain}:${port}?@${publicAddress}`,
    "one slash": `https:/${plain}:${port}`,
    "tab inside": `https://${plain.slice(0, 2)}\t${plain.slice(2)}:${port}`,
    "newline before": `\nhttps://${plain}:${port}`,
    "space before": ` https://${plain}:${port}`,
    "name that resolves to it": `https://${nameFor("to", address)}:${port}`,
    "name with a dot at its end": `https://${nameFor("to", address)}.:${port}`,
    "name that resolves to it at the second time": `https://${nameFor("later", address)}:${port}`,
    "name that resolves to both": `https://${nameFor("both", address)}:${port}`,
  };
}

/** A name for the resolver of `own-network.ts`. */
function nameFor(how: "to" | "later" | "both", address: string): string {
  return `${how}-${Buffer.from(address).toString("hex")}.attack.test`;
}

function hostsOfIpv4(address: string): Readonly<Record<string, string>> {
  const parts = address.split(".").map(Number);
  const [a = 0, b = 0, c = 0, d = 0] = parts;
  const whole = ((a * 256 + b) * 256 + c) * 256 + d;
  const hex = (value: number): string => value.toString(16);
  const groups = `${hex(a * 256 + b)}:${hex(c * 256 + d)}`;
  const octal = (value: number, width = 4): string => value.toString(8).padStart(width, "0");
  return {
    plain: address,
    decimal: String(whole),
    hexadecimal: `0x${hex(whole)}`,
    "hexadecimal in capitals": `0X${hex(whole).toUpperCase().padStart(8, "0")}`,
    octal: octal(whole, 12),
    "octal parts": parts.map((part) => octal(part)).join("."),
    "octal parts with many zeros": parts.map((part) => octal(part, 12)).join("."),
    "hexadecimal parts": parts.map((part) => `0x${hex(part)}`).join("."),
    "mixed parts": `${octal(a)}.0x${hex(b)}.${c}.${d}`,
    "two parts": `${a}.${(b * 256 + c) * 256 + d}`,
    "three parts": `${a}.${b}.${c * 256 + d}`,
    "dot at its end": `${address}.`,
    mapped: `[::ffff:${address}]`,
    "mapped in hexadecimal": `[::ffff:${groups}]`,
    "mapped, written out": `[0:0:0:0:0:FFFF:${groups}]`,
    compatible: `[::${groups}]`,
    NAT64: `[64:ff9b::${address}]`,
    "6to4": `[2002:${groups}::1]`,
    "mapped with a zone": `[::ffff:${address}%25lo]`,
    "full-width digits": address.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
    "circled digits": address.replaceAll(/[1-9]/g, (digit) => String.fromCodePoint(0x245f + Number(digit))),
    "ideographic stops": address.replaceAll(".", "\u3002"),
    "percent-encoded": address.replaceAll(/\d/g, (digit) => `%3${digit}`),
    "soft hyphens": address.replaceAll(".", "\u00ad."),
  };
}

function hostsOfIpv6(address: string): Readonly<Record<string, string>> {
  const { hostname } = new URL(`http://[${address}]`);
  const groups = groupsOf(hostname.slice(1, -1));
  const tail = groups.slice(6).flatMap((group) => [group >> 8, group & 255]);
  return {
    plain: `[${address}]`,
    "in capitals": `[${address.toUpperCase()}]`,
    "written out": `[${groups.map((group) => group.toString(16)).join(":")}]`,
    "with zeros": `[${groups.map((group) => group.toString(16).padStart(4, "0")).join(":")}]`,
    "with an IPv4 tail": `[${groups
      .slice(0, 6)
      .map((group) => group.toString(16))
      .join(":")}:${tail.join(".")}]`,
    "with a zone": `[${address}%25lo]`,
    "with a bare zone": `[${address}%lo]`,
    "without brackets": address,
    "dot at its end": `[${address}].`,
  };
}

function groupsOf(address: string): number[] {
  const [head = "", tail = ""] = address.split("::");
  const parse = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const [before, after] = [parse(head), parse(tail)];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}
