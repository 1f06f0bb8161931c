/**
 * The Secret Service for real: gnome-keyring on a D-Bus session bus and a home of its own, as a desktop has it. What a test
 * does on it goes away with it.
 *
 *     await withKeyRing("unlocked", directory, async (session) => …)
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

const programs = ["dbus-daemon", "dbus-send", "gnome-keyring-daemon"];

/** Why these tests cannot run here, with what would mend it; `false` if they can. */
export function keyRingSkip(): string | false {
  if (process.platform !== "linux") return "the Secret Service is Linux's";
  const directories = (process.env["PATH"] ?? "").split(":");
  const missing = programs.filter((name) => !directories.some((directory) => existsSync(join(directory, name))));
  return missing.length > 0 && `needs ${missing.join(" and ")}: apt-get install gnome-keyring dbus`;
}

/** `locked`: with a login ring whose password nobody types. `none`: a bus on which nobody keeps secrets. */
export type RingState = "unlocked" | "locked" | "none";

export type Session = Readonly<Record<string, string>>;

/** Runs `use` with the variables of a login session; the ring in `directory` is made when it is unlocked the first time. */
export async function withKeyRing<Result>(
  state: RingState,
  directory: string,
  use: (session: Session) => Promise<Result>,
): Promise<Result> {
  const runtime = join(directory, "run");
  mkdirSync(join(directory, "share"), { recursive: true });
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  const config = join(directory, "bus.conf");
  writeFileSync(config, busConfig);
  const home = { PATH: process.env["PATH"] ?? "", HOME: directory, XDG_DATA_HOME: join(directory, "share") };
  const bus = spawn("dbus-daemon", [`--config-file=${config}`, "--nofork", "--print-address=1"], {
    env: { ...home, XDG_RUNTIME_DIR: runtime },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ending = once(bus, "exit");
  try {
    const session = { ...home, XDG_RUNTIME_DIR: runtime, DBUS_SESSION_BUS_ADDRESS: await addressOf(bus) };
    const daemon = state === "none" ? undefined : await startDaemon(state, session);
    try {
      return await use(session);
    } finally {
      await stop(daemon);
    }
  } finally {
    bus.kill();
    await ending;
  }
}

/** A bus that accepts connections and never says a word. */
export async function withSilentBus<Result>(
  directory: string,
  use: (session: Session) => Promise<Result>,
): Promise<Result> {
  const path = join(directory, "silent");
  const server = createServer((socket) => socket.on("error", () => undefined)).listen(path);
  await once(server, "listening");
  try {
    return await use({ HOME: directory, DBUS_SESSION_BUS_ADDRESS: `unix:path=${path}` });
  } finally {
    server.close();
  }
}

/** No service files: nothing is started because somebody asks for it. */
const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`;

async function addressOf(bus: ChildProcess): Promise<string> {
  const [line] = (await once(bus.stdout!.setEncoding("utf8"), "data")) as [string];
  return line.trim();
}

async function startDaemon(state: "unlocked" | "locked", session: Session): Promise<ChildProcess> {
  const control = join(session["XDG_RUNTIME_DIR"] ?? "", "keyring");
  const options = ["--foreground", "--components=secrets", `--control-directory=${control}`];
  const daemon = spawn("gnome-keyring-daemon", state === "unlocked" ? [...options, "--unlock"] : options, {
    env: { ...session },
    stdio: ["pipe", "ignore", "ignore"],
  });
  daemon.stdin.end(state === "unlocked" ? "a password for tests" : "");
  await ownerAppears(session);
  return daemon;
}

/** Resolves once somebody on the bus keeps secrets. */
async function ownerAppears(session: Session): Promise<void> {
  const ask = ["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.NameHasOwner"];
  for (let attempt = 0; attempt < 100; attempt++) {
    const run = promisify(execFile)("dbus-send", [...ask, "string:org.freedesktop.secrets"], { env: { ...session } });
    if ((await run).stdout.includes("boolean true")) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("gnome-keyring-daemon did not start");
}

async function stop(daemon: ChildProcess | undefined): Promise<void> {
  if (daemon === undefined || daemon.exitCode !== null) return;
  const ending = once(daemon, "exit");
  daemon.kill();
  await ending;
}
