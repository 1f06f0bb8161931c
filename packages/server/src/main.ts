import "./runtime-flags.ts";

// Only now, and not by an `import` of its own: that would be loaded first, and once more by the process that takes this one's place.
await import("./program.ts");
