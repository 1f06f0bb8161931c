import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/*
 * Which addresses the gateway may connect to. Only globally routable unicast addresses, and for a provider an
 * admin marked `allow_private` also loopback, private and shared ranges. The addresses at which clouds serve
 * instance credentials are never allowed, whatever the flag; neither is anything link-local, multicast or reserved.
 */
const privateRanges: ReadonlySet<string> = new Set(["loopback", "private", "uniqueLocal", "carrierGradeNat"]);
const metadataAddresses: ReadonlySet<string> = new Set([
  "169.254.169.254",
  "100.100.100.200",
  "192.0.0.192",
  "fd00:ec2::254",
]);

/** Whether a connection to `address` (an IP literal) is allowed. Anything that is not an IP address is not. */
export function isAllowedAddress(address: string, allowPrivate: boolean): boolean {
  const parsed = parse(address);
  if (parsed === undefined || metadataAddresses.has(parsed.toString())) return false;
  const range = parsed.range();
  return range === "unicast" || (allowPrivate && privateRanges.has(range));
}

/** Addresses that carry an IPv4 address inside (mapped, NAT64, 6to4) are judged by the IPv4 address they lead to. */
function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (isIP(text) === 0) return undefined;
  const address = ipaddr.process(text);
  if (address instanceof ipaddr.IPv4) return address;
  const bytes = address.toByteArray();
  const range = address.range();
  if (range === "rfc6052") return new ipaddr.IPv4(bytes.slice(12));
  if (range === "6to4") return new ipaddr.IPv4(bytes.slice(2, 6));
  return address;
}
