const postgresUniqueViolation = "23505";
/** SQLite's extended codes for a second UNIQUE value, PRIMARY KEY and INTEGER PRIMARY KEY. */
const sqliteUniqueViolations: readonly unknown[] = [2067, 1555, 2579];

/** Whether a statement failed because a row with the same primary key or unique columns exists already. */
export function isUniqueViolation(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  if ("errcode" in thrown) return sqliteUniqueViolations.includes(thrown.errcode);
  return "code" in thrown && thrown.code === postgresUniqueViolation;
}
