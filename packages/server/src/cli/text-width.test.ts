import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { fitText, printable, textWidth } from "./text-width.ts";

test("wide, combined and joined characters take the columns a terminal gives them", () => {
  const widths: readonly (readonly [string, number])[] = [
    ["claude", 6],
    ["李雷", 4],
    ["ｆｕｌｌ", 8],
    ["한국어", 6],
    ["e\u0301te\u0301", 3],
    ["👩‍👩‍👧", 2],
    ["🚀ok", 4],
    ["", 0],
  ];
  for (const [text, width] of widths) assert.equal(textWidth(text), width, text);
});

test("a fitted text has exactly the width asked for, whatever it holds", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 30 }).map(printable);
  fc.assert(
    fc.property(
      text,
      fc.integer({ min: 2, max: 40 }),
      fc.constantFrom("left" as const, "right" as const),
      (value, width, align) => {
        assert.equal(textWidth(fitText(value, width, align)), width);
      },
    ),
  );
});

test("nothing that is printed moves the cursor, starts a line or turns the writing", () => {
  const attacks = ["\u001b[2J", "a\rb", "a\nhint: run this", "\u009b31m", "\u202eevil", "zero\u200bwidth", "\u0007"];
  for (const attack of attacks) {
    const shown = printable(attack);
    assert.doesNotMatch(shown, /[\p{Cc}\p{Cf}]/u, JSON.stringify(attack));
    assert.match(shown, /\\u[0-9a-f]{4}/);
  }
  assert.equal(printable("Łukasz 👩‍👩‍👧 李"), "Łukasz 👩‍👩‍👧 李");
});
