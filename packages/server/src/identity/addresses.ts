import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { AppError } from "../kernel/errors.ts";

/** A compiled list of addresses and CIDR ranges, IPv4 and IPv6. */
export type AddressList = (address: string) => boolean;

type Range = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** Compiles `["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"]`; an entry that is neither is `invalid_request`. */
export function compileAddressList(entries: readonly string[]): AddressList {
  const ranges = entries.map(parseEntry);
  return (text) => {
    if (isIP(text) === 0) return false;
    const address = ipaddr.process(text); // an IPv4-mapped IPv6 address counts as the IPv4 address it is
    return ranges.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits));
  };
}

function parseEntry(entry: string): Range {
  const [host = "", bitsText, ...rest] = entry.split("/");
  if (isIP(host) === 0 || rest.length > 0) throw notAnAddress(entry);
  const base = ipaddr.process(host);
  const widest = base.kind() === "ipv4" ? 32 : 128;
  if (bitsText === undefined) return [base, widest];
  const bits = Number(bitsText);
  if (!/^\d{1,3}$/.test(bitsText) || bits > widest) throw notAnAddress(entry);
  return [base, bits];
}

function notAnAddress(entry: string): AppError {
  return new AppError("invalid_request", {
    problem: `\`${entry}\` is neither an IP address nor a range like 10.0.0.0/8`,
  });
}
