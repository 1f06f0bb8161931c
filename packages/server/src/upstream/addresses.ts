import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/**
 * What a destination is to the gateway. `public` may be connected to, `private` only for a provider an admin marked
 * `allow_private`, `never` by nobody. Of addresses that carry an IPv4 address inside, that one is judged.
 */
type Verdict = "public" | "private" | "never" | { readonly carriesIpv4At: number };

/**
 * Every range of the IANA special-purpose address registries (RFC 6890 and what has been added since), and the addresses
 * at which clouds serve instance credentials. The first range that holds an address decides; what no line names is
 * public in IPv4 and, outside 2000::/3, unassigned in IPv6.
 */
const ranges: readonly (readonly [cidr: string, verdict: Verdict, what: string])[] = [
  ["169.254.169.254/32", "never", "instance metadata (AWS, Azure, Google and others)"],
  ["169.254.170.2/32", "never", "task metadata (AWS ECS)"],
  ["100.100.100.200/32", "never", "instance metadata (Alibaba)"],
  ["192.0.0.192/32", "never", "instance metadata (Oracle)"],
  ["168.63.129.16/32", "never", "host services (Azure)"],
  ["fd00:ec2::/32", "never", "instance metadata and services (AWS)"],
  ["fd20:ce::254/128", "never", "instance metadata (Google)"],
  ["0.0.0.0/8", "never", "this network"],
  ["10.0.0.0/8", "private", "private use"],
  ["100.64.0.0/10", "private", "carrier-grade NAT"],
  ["127.0.0.0/8", "private", "loopback"],
  ["169.254.0.0/16", "never", "link-local"],
  ["172.16.0.0/12", "private", "private use"],
  ["192.0.0.0/24", "never", "protocol assignments"],
  ["192.0.2.0/24", "never", "documentation"],
  ["192.31.196.0/24", "never", "AS112"],
  ["192.52.193.0/24", "never", "multicast tunnels"],
  ["192.88.99.0/24", "never", "6to4 relays"],
  ["192.168.0.0/16", "private", "private use"],
  ["192.175.48.0/24", "never", "AS112"],
  ["198.18.0.0/15", "never", "benchmarks"],
  ["198.51.100.0/24", "never", "documentation"],
  ["203.0.113.0/24", "never", "documentation"],
  ["224.0.0.0/4", "never", "multicast"],
  ["240.0.0.0/4", "never", "reserved, and broadcast"],
  ["0.0.0.0/0", "public", "all other IPv4 addresses"],
  ["::/128", "never", "unspecified"],
  ["::1/128", "private", "loopback"],
  ["::ffff:0:0/96", { carriesIpv4At: 12 }, "IPv4-mapped"],
  ["64:ff9b::/96", { carriesIpv4At: 12 }, "NAT64"],
  ["64:ff9b:1::/48", "never", "NAT64 of a local network, which may keep the IPv4 address anywhere"],
  ["100::/63", "never", "discarded"],
  ["2001::/23", "never", "protocol assignments, with Teredo and ORCHID"],
  ["2001:db8::/32", "never", "documentation"],
  ["2002::/16", { carriesIpv4At: 2 }, "6to4"],
  ["2620:4f:8000::/48", "never", "AS112"],
  ["3fff::/20", "never", "documentation"],
  ["5f00::/16", "never", "segment routing"],
  ["fc00::/7", "private", "unique local"],
  ["fe80::/10", "never", "link-local"],
  ["fec0::/10", "never", "site-local"],
  ["ff00::/8", "never", "multicast"],
  ["2000::/3", "public", "all other assigned IPv6 addresses"],
  ["::/0", "never", "unassigned"],
];

/** Names under which clouds serve instance credentials, wherever they may lead. */
const metadataNames: ReadonlySet<string> = new Set([
  "instance-data",
  "instance-data.ec2.internal",
  "metadata",
  "metadata.azure.internal",
  "metadata.goog",
  "metadata.google.internal",
  "metadata.tencentyun.com",
]);

const table = ranges.map(([cidr, verdict]) => ({ range: ipaddr.parseCIDR(cidr), verdict }));

/** Whether a connection to `address` (an IP literal) is allowed. Anything that is not an IP address is not, nor is one with a zone. */
export function isAllowedAddress(address: string, allowPrivate: boolean): boolean {
  if (isIP(address) === 0 || address.includes("%")) return false;
  const verdict = judge(ipaddr.parse(address));
  return verdict === "public" || (verdict === "private" && allowPrivate);
}

/**
 * Whether an origin may be called as far as it can be told before its name is resolved: plain HTTP only where private
 * addresses are allowed, no name of a metadata service, and no forbidden IP literal.
 */
export function isAllowedOrigin(origin: string, allowPrivate: boolean): boolean {
  const { protocol, hostname } = new URL(origin);
  if (protocol !== "https:" && !(protocol === "http:" && allowPrivate)) return false;
  const host = hostname.replace(/^\[|\]$|\.$/g, "");
  return isIP(host) === 0 ? !metadataNames.has(host) : isAllowedAddress(host, allowPrivate);
}

function judge(address: ipaddr.IPv4 | ipaddr.IPv6): "public" | "private" | "never" {
  const verdict = table.find(({ range }) => range[0].kind() === address.kind() && address.match(range))?.verdict;
  if (typeof verdict !== "object") return verdict ?? "never";
  return judge(new ipaddr.IPv4(address.toByteArray().slice(verdict.carriesIpv4At, verdict.carriesIpv4At + 4)));
}
