import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { BlockWriter } from "./block-writer.ts";
import { Collector } from "./collect.ts";
import type { FinishReason, Reply, ReplyEvent, UpstreamFailure } from "./reply.ts";
import { legalOrder } from "./test-parts.ts";

const end = { reason: "end" } as const;

function written(say: (writer: BlockWriter) => void): readonly ReplyEvent[] {
  const writer = new BlockWriter();
  say(writer);
  const events = writer.take();
  legalOrder(events);
  return events;
}

function collected(say: (writer: BlockWriter) => void): Reply | UpstreamFailure {
  const collector = new Collector();
  for (const event of written(say)) collector.push(event);
  assert.ok(collector.end);
  return collector.end;
}

function partsOf(say: (writer: BlockWriter) => void): readonly string[] {
  const reply = collected(say);
  if ("kind" in reply) return [`! ${reply.message}`];
  return reply.parts.map((part) =>
    part.type === "tool_call" ? `${part.id} ${part.name} ${part.arguments}` : `${part.type} ${part.text}`,
  );
}

describe("the order of what a stream says", () => {
  test("an empty text opens nothing (B01)", () => {
    const events = written((writer) => {
      writer.text("");
      writer.call(0, "1", "f");
      writer.callText(0, "");
      writer.finish({ reason: "tool_calls" }, undefined);
    });
    assert.deepEqual(
      events.map(({ type }) => type),
      ["start", "block_start", "block_end", "finish"],
    );
  });

  test("the first words of a block that a change of kind opens are not lost (B02)", () => {
    const parts = partsOf((writer) => {
      writer.text("A");
      writer.call(0, "1", "f");
      writer.callText(0, "{}");
      writer.text("B1");
      writer.text("B2");
      writer.thinking("C");
      writer.finish(end, undefined);
    });
    assert.deepEqual(parts, ["text A", "1 f {}", "text B1B2", "thinking C"]);
  });

  test("calls that come interleaved are written one after another, whole (B03, B04)", () => {
    const parts = partsOf((writer) => {
      writer.call(0, "a", "f");
      writer.call(1, "b", "g");
      writer.callText(0, '{"a"');
      writer.callText(1, '{"b"');
      writer.callText(0, ":1}");
      writer.callText(1, ":2}");
      writer.finish(end, undefined);
    });
    assert.deepEqual(parts, ['a f {"a":1}', 'b g {"b":2}']);
  });

  test("text closes an open call, and a call that goes on after that breaks the reply (B05, B19)", () => {
    const say = (writer: BlockWriter): void => {
      writer.call(0, "a", "f");
      writer.callText(0, "{");
      writer.text("\n");
    };
    assert.deepEqual(
      partsOf((writer) => {
        say(writer);
        writer.finish(end, undefined);
      }),
      ["a f {", "text \n"],
    );
    const broken = collected((writer) => {
      say(writer);
      writer.callText(0, "}");
    });
    assert.ok("kind" in broken && broken.kind === "broken");
  });

  test("a call waits for its name, and those behind it wait with it", () => {
    const parts = partsOf((writer) => {
      writer.call(0, "a", "");
      writer.callText(0, "{}");
      writer.call(1, "b", "g");
      writer.endCall(1);
      writer.call(0, "", "f");
      writer.endCall(0);
      writer.finish(end, undefined);
    });
    assert.deepEqual(parts, ["a f {}", "b g "]);
  });

  test("a call whose name never comes breaks the reply, unless nothing at all came of it", () => {
    const noise = collected((writer) => {
      writer.text("A");
      writer.call(0, "", "");
      writer.finish({ reason: "tool_calls" }, undefined);
    });
    assert.ok("finish" in noise);
    assert.deepEqual([noise.parts.length, noise.finish.reason], [1, "end"]);
    const nameless = collected((writer) => {
      writer.call(0, "a", "");
      writer.finish(end, undefined);
    });
    assert.ok("kind" in nameless && nameless.kind === "broken");
  });

  test("a reply with calls ended for them, unless it was cut (B14)", () => {
    const reasonOf = (reason: FinishReason): string => {
      const reply = collected((writer) => {
        writer.call(0, "a", "f");
        writer.finish({ reason }, undefined);
      });
      return "finish" in reply ? reply.finish.reason : reply.kind;
    };
    assert.deepEqual(
      ["end", "stop_sequence", "length", "window_full"].map((each) => reasonOf(each as FinishReason)),
      ["tool_calls", "tool_calls", "length", "window_full"],
    );
  });

  test("reasoning that goes on behind its state is a block of its own (B06, B45)", () => {
    const state = { dialect: "openai-responses", provider: "p", data: "s" } as const;
    const reply = collected((writer) => {
      writer.thinking("A");
      writer.state(state);
      writer.thinking("B");
      writer.state({ ...state, data: "t" });
      writer.state({ ...state, data: "u" });
      writer.finish(end, undefined);
    });
    assert.ok("parts" in reply);
    assert.deepEqual(reply.parts, [
      { type: "thinking", text: "A", state },
      { type: "thinking", text: "B", state: { ...state, data: "t" } },
      { type: "thinking", text: "", state: { ...state, data: "u" } },
    ]);
  });

  test("nothing comes behind a failure, and an open call stays without its end (B18, B19)", () => {
    const events = written((writer) => {
      writer.call(0, "a", "f");
      writer.callText(0, "{");
      writer.fail({ kind: "server", status: 200, message: "no more" });
      writer.endCall(0);
      writer.endBlock();
      writer.text("more");
      writer.finish(end, undefined);
    });
    assert.deepEqual(
      events.map(({ type }) => type),
      ["start", "block_start", "block_delta", "failure"],
    );
  });
});

type Step = (writer: BlockWriter) => void;
const key = fc.integer({ min: 0, max: 3 });
const words = fc.constantFrom("", "a", "bc");
const step: fc.Arbitrary<Step> = fc.oneof(
  words.map(
    (text): Step =>
      (writer) =>
        writer.text(text),
  ),
  words.map(
    (text): Step =>
      (writer) =>
        writer.thinking(text),
  ),
  words.map(
    (text): Step =>
      (writer) =>
        writer.refusal(text),
  ),
  fc.tuple(key, words, words).map(
    ([at, id, name]): Step =>
      (writer) =>
        writer.call(at, id, name),
  ),
  fc.tuple(key, words).map(
    ([at, text]): Step =>
      (writer) =>
        writer.callText(at, text),
  ),
  key.map(
    (at): Step =>
      (writer) =>
        writer.endCall(at),
  ),
  fc.constant<Step>((writer) => writer.endBlock()),
  fc.constant<Step>((writer) => writer.start("id")),
  fc.constant<Step>((writer) => writer.cite({ url: "https://example.com" })),
  fc.constant<Step>((writer) => writer.state({ dialect: "gemini", provider: "p", data: "s" })),
  fc.constant<Step>((writer) => writer.finish(end, undefined)),
  fc.constant<Step>((writer) => writer.fail({ kind: "server", status: 200, message: "" })),
);

test("whatever is said in whatever order, the events are in order, and take() never repeats one", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const writer = new BlockWriter();
      const events = steps.flatMap((say) => {
        say(writer);
        return writer.take();
      });
      writer.finish(end, undefined);
      legalOrder([...events, ...writer.take()]);
    }),
    { numRuns: 500 },
  );
});

test("text and arguments come out whole and in their order, unless the reply breaks", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.constantFrom("x", "y")), { maxLength: 20 }),
      (said) => {
        const reply = collected((writer) => {
          for (const at of [0, 1, 2]) writer.call(at, `id${at}`, `f${at}`);
          for (const [at, text] of said) writer.callText(at, text);
          writer.finish(end, undefined);
        });
        assert.ok("parts" in reply);
        const expected = [0, 1, 2].map((at) => said.flatMap(([each, text]) => (each === at ? text : [])).join(""));
        assert.deepEqual(
          reply.parts.map((part) => (part.type === "tool_call" ? part.arguments : "")),
          expected,
        );
      },
    ),
  );
});

describe("a stream without an end", () => {
  test("of many blocks is broken, and costs no more than they do", { timeout: 60_000 }, () => {
    const calls = collected((writer) => {
      for (let index = 0; index < 100_000; index++) writer.call(index, `id_${index}`, "f");
      writer.finish({ reason: "tool_calls" }, undefined);
    });
    assert.match("kind" in calls ? calls.message : "", /more than 4000 parts/);
    const blocks = collected((writer) => {
      for (let count = 0; count < 50_000; count++) {
        writer.text("a");
        writer.thinking("b");
      }
      writer.finish(end, undefined);
    });
    assert.match("kind" in blocks ? blocks.message : "", /more than 4000 parts/);
    const states = collected((writer) => {
      for (let index = 0; index < 5_000; index++) writer.state({ dialect: "gemini", provider: "p", data: "x" });
      writer.finish(end, undefined);
    });
    assert.match("kind" in states ? states.message : "", /more than 4000 parts/);
  });

  test("of one block is broken, too, be it written or held", () => {
    const piece = "x".repeat(1024 * 1024);
    const text = new BlockWriter();
    const held = new BlockWriter();
    held.call(0, "a", ""); // no name comes, so it is held
    for (let count = 0; count < 17; count++) {
      text.text(piece);
      held.callText(0, piece);
    }
    for (const writer of [text, held]) {
      assert.ok(writer.isOver);
      const last = writer.take().at(-1);
      assert.equal(last?.type === "failure" ? last.failure.kind : "", "broken");
    }
  });
});
