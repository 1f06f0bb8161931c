/* The properties of translation, tried a great many times. */

process.env["PORTCULLIS_TEST_RUNS"] ??= "15";
for (const name of ["properties", "round-trip", "histories", "replay", "hostile", "states"])
  await import(`./${name}.test.ts`);
