import { describe, expect, it } from "vitest";
import { csv } from "../administer/csv";
import { offset, zoneChoices } from "../administer/zones";
import type { InstanceDetail, InstanceItem, Job, NodeItem } from "../api/types";
import { choices, fitting, inParallel } from "../monitor/batch";
import { top } from "../monitor/Curve";
import { pairs } from "../monitor/History";
import { downstream, effect, nodeOperations, operations } from "../monitor/operations";
import { byJob, slowest } from "../monitor/ranking";
import { heights, recordOf } from "../monitor/recent";
import { type Attempt, ticks, timeline } from "../monitor/timeline";
import { keepViews, readViews, withView } from "../monitor/views";
import { marked, withMore } from "../parts/log-text";
import { spanOf } from "../pages/InstanceTable";

const job = { nodes: [{ name: "a", type: "Shell" }, { name: "b", type: "Shell", preNodeName: ["a"] }, { name: "c", type: "Shell", preNodeName: ["b"] }, { name: "d", type: "Shell", preNodeName: ["a"] }] } as Pick<Job, "nodes">;
const node = (nodeName: string, status: string, more: Partial<NodeItem> = {}) => ({ nodeName, status, type: "Shell", planTime: 0, retryTimes: 0, attempt: 1, instanceId: 1, ...more }) as NodeItem;
const item = (instanceId: number, status: string, more: Partial<InstanceItem> = {}) => ({ instanceId, jobName: "j", status, ...more }) as InstanceItem;

describe("what an operation will do", () => {
  const failed = [node("a", "success"), node("b", "fail"), node("c", "skip"), node("d", "success")];

  it("a rerun from the failed nodes names what runs again and what keeps its results", () => {
    expect(effect("restartError", failed, job)).toEqual({ runs: ["b", "c"], kept: ["a", "d"] });
    expect(effect("restart", failed, job)).toEqual({ runs: ["a", "b", "c", "d"] });
    expect(effect("restartFrom", failed, job, "a")).toEqual({ runs: ["a", "b", "c", "d"] });
    expect(effect("restartFrom", failed, job, "d")).toEqual({ runs: ["b", "c", "d"], kept: ["a"] });
  });

  it("a stop names what is stopped and what never starts", () => {
    expect(effect("stop", [node("a", "success"), node("b", "running"), node("c", "waiting")], job)).toEqual({ stops: ["b"], never: ["c"] });
  });

  it("forced success is for all failed nodes, or for the one that is named", () => {
    expect(effect("force-success", failed, job)).toEqual({ green: ["b"] });
    expect(effect("force-success", failed, job, "b")).toEqual({ green: ["b"] });
  });

  it("what comes after a node is found over several lines, and a circle ends", () => {
    expect([...downstream(["b"], job)]).toEqual(["b", "c"]);
    expect([...downstream(["x"], { nodes: [{ name: "x", type: "", preNodeName: ["y"] }, { name: "y", type: "", preNodeName: ["x"] }] })].sort()).toEqual(["x", "y"]);
  });

  it("each state offers what the server allows in it", () => {
    expect(operations("skip-by-depend")).toEqual(["restart"]);
    expect(operations("running-exception")).toContain("continue");
    expect(nodeOperations("fail", "success")).toEqual(["restartFrom"]);
    expect(nodeOperations("fail", "fail")).toEqual([]);
    expect(nodeOperations("success", "success")).toEqual([]);
    expect(nodeOperations("running", "fail")).toEqual([]);
    expect(nodeOperations("running-exception", "fail")).toContain("retry");
  });
});

describe("one operation on many instances", () => {
  it("only what fits some of them is offered, with how many", () => {
    const chosen = [item(1, "fail"), item(2, "running"), item(3, "fail")];
    expect(choices(chosen)).toEqual([["restartError", 2], ["restart", 2], ["stop", 1], ["force-success", 2], ["pause", 1]]);
    expect(fitting(chosen, "stop").map((each) => each.instanceId)).toEqual([2]);
  });

  it("works a few at a time, goes on after a failure, and tells the failures", async () => {
    let open = 0;
    let most = 0;
    const done: number[] = [];
    const failures = await inParallel([1, 2, 3, 4, 5], 2, async (each) => {
      most = Math.max(most, ++open);
      await Promise.resolve();
      open -= 1;
      if (each === 2) throw new Error("no");
    }, (count) => done.push(count));
    expect(most).toBe(2);
    expect(done).toEqual([1, 2, 3, 4, 5]);
    expect(failures.map((each) => each.item)).toEqual([2]);
  });
});

describe("the timeline", () => {
  const instance = (more: Partial<InstanceDetail>) => ({ submitTime: 0, status: "fail", endTime: 10_000, nodes: [], ...more }) as unknown as InstanceDetail;
  const attempt = (nodeName: string, number: number, startTime: number, endTime: number | undefined, status = "fail"): Attempt => ({ nodeName, attempt: number, startTime, endTime, status });

  it("shows each attempt and the pauses between them", () => {
    const found = timeline(instance({ nodes: [node("a", "success"), node("b", "fail")] }), [attempt("a", 1, 1_000, 2_000, "success"), attempt("b", 1, 2_010, 3_000), attempt("b", 2, 8_000, 10_000)], [], job, 99_999);
    expect(found.waited).toEqual({ kind: "queue", from: 0, to: 1_000 });
    expect(found.lanes[0]!.bars.map((each) => each.kind)).toEqual(["attempt"]);
    expect(found.lanes[1]!.bars.map((each) => [each.kind, each.from, each.to])).toEqual([["attempt", 2_010, 3_000], ["retry", 3_000, 8_000], ["attempt", 8_000, 10_000]]);
    expect(found.lanes[1]!.took).toBe(7_990);
    expect(found.to).toBe(10_000);
  });

  it("a node that could have started earlier waited: for a slot, where it was granted one", () => {
    const nodes = [node("a", "success"), node("b", "success")];
    const attempts = [attempt("a", 1, 0, 1_000, "success"), attempt("b", 1, 4_000, 5_000, "success")];
    expect(timeline(instance({ nodes }), attempts, [], job, 0).lanes[1]!.bars[0]).toEqual({ kind: "queue", from: 1_000, to: 4_000 });
    const granted = [{ sequence: 1, time: 4_000, event: "SlotGranted", nodeName: "b" }];
    expect(timeline(instance({ nodes }), attempts, granted, job, 0).lanes[1]!.bars[0]!.kind).toBe("slot");
  });

  it("a rerun is a run of its own", () => {
    const rerun = [{ sequence: 1, time: 50_000, event: "RestartRequested" }];
    const attempts = [attempt("a", 1, 10, 900), attempt("a", 2, 50_000, 51_000, "success")];
    const last = timeline(instance({ nodes: [node("a", "success")], endTime: 51_000 }), attempts, rerun, job, 0);
    expect(last.runs).toEqual([0, 50_000]);
    expect(last.lanes[0]!.bars).toHaveLength(1);
    expect(last.from).toBe(50_000);
    expect(timeline(instance({ nodes: [node("a", "success")] }), attempts, rerun, job, 0, 0).lanes[0]!.bars[0]!.attempt).toBe(1);
  });

  it("what runs goes on until now, and what has not begun has no bar", () => {
    const found = timeline(instance({ status: "running", endTime: undefined, nodes: [node("a", "running"), node("b", "waiting")] }), [attempt("a", 1, 10, undefined, "running")], [], job, 5_000);
    expect(found.lanes[0]!.bars[0]!.to).toBe(5_000);
    expect(found.lanes[1]!.bars).toEqual([]);
    expect(found.lanes[1]!.took).toBeUndefined();
  });

  it("an axis has a few marks at even times", () => {
    expect(ticks(10_000)).toEqual([0, 2_000, 4_000, 6_000, 8_000, 10_000]);
    expect(ticks(1)).toEqual([0, 1]);
    for (const length of [7, 950, 61_000, 3_600_000, 40 * 86_400_000]) expect(ticks(length).length).toBeLessThanOrEqual(8);
  });
});

describe("a log", () => {
  it("keeps its end from the start of a line on", () => {
    expect(withMore("a\n", "b\n", 100)).toBe("a\nb\n");
    expect(withMore("first line\n", "second line\nthird\n", 15)).toBe("…\nthird\n");
  });

  it("marks what is searched for whatever its case, and takes signs as they are", () => {
    expect(marked("Error, error.", "error")).toEqual(["", "Error", ", ", "error", "."]);
    expect(marked("a.b axb", "a.b")).toEqual(["", "a.b", " axb"]);
    expect(marked("İx x", "x")).toEqual(["İ", "x", " ", "x", ""]);
    expect(marked("text", "")).toEqual(["text"]);
  });
});

describe("rankings", () => {
  it("jobs by how often, and the newest instance stands for each", () => {
    const found = byJob([item(3, "fail", { jobName: "b" }), item(2, "fail", { jobName: "a" }), item(1, "fail", { jobName: "a" })]);
    expect(found.map((each) => [each.job, each.count, each.last.instanceId])).toEqual([["a", 2, 2], ["b", 1, 3]]);
  });

  it("the slowest of each job, and never one that runs", () => {
    const ran = (id: number, jobName: string, startTime: number, endTime?: number) => item(id, "success", { jobName, startTime, endTime });
    expect(slowest([ran(1, "a", 0, 5), ran(2, "a", 0, 9), ran(3, "b", 0, 7), ran(4, "c", 0)], 5).map((each) => each.instanceId)).toEqual([2, 3]);
  });

  it("an axis ends at a round number", () => {
    expect([0, 1, 3, 7, 12, 90, 101, 2600].map(top)).toEqual([1, 1, 3, 10, 20, 100, 200, 5000]);
  });
});

describe("an instance beside those before it", () => {
  const ran = (id: number, status: string, executeTime?: number) => item(id, status, { executeTime });

  it("says how often in a row it has failed, and since which success", () => {
    const before = [ran(9, "fail"), ran(8, "manual-stop"), ran(7, "fail"), ran(6, "success"), ran(5, "fail")];
    expect(recordOf({ status: "fail" }, before)).toMatchObject({ failures: 3, good: { instanceId: 6 } });
    expect(recordOf({ status: "fail" }, [])).toEqual({ failures: 1, good: undefined, usualMs: undefined });
    expect(recordOf({ status: "running" }, before).failures).toBe(0);
  });

  it("tells how long it usually takes from those that succeeded, once there are a few", () => {
    const few = [ran(3, "success", 100), ran(2, "success", 300)];
    expect(recordOf({ status: "success" }, few).usualMs).toBeUndefined();
    expect(recordOf({ status: "success" }, [...few, ran(1, "success", 90_000), ran(0, "fail", 1)]).usualMs).toBe(300);
  });

  it("short ones are seen beside long ones, and what runs grows", () => {
    const [none, short, long, runs] = heights([{ status: "waiting" }, { status: "fail", startTime: 0, endTime: 100 }, { status: "success", startTime: 0, endTime: 10_000 }, { status: "running", startTime: 5_000 }], 7_500);
    expect([none, short, long, runs]).toEqual([0, 0.1, 1, 0.5]);
  });
});

describe("views", () => {
  const storage = () => {
    const kept = new Map<string, string>();
    return { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value) };
  };

  it("are kept per workspace, and one of the same name is replaced", () => {
    const place = storage();
    keepViews("w", withView([{ name: "x", search: "a=1" }], { name: "x", search: "a=2" }), place);
    expect(readViews("w", place)).toEqual([{ name: "x", search: "a=2" }]);
    expect(readViews("other", place)).toEqual([]);
  });

  it("what is not ours is left out", () => {
    const place = storage();
    place.setItem("arkwright.views", "{]");
    expect(readViews("w", place)).toEqual([]);
    place.setItem("arkwright.views", '{"w": [{"name": 1}, {"name": "a", "search": "b"}]}');
    expect(readViews("w", place)).toEqual([{ name: "a", search: "b" }]);
  });
});

it("a list of a day is that day of the workspace's time zone", () => {
  const [from, to] = spanOf("2026-03-29", 0, "Europe/Berlin");
  expect(new Date(from).toISOString()).toBe("2026-03-28T23:00:00.000Z");
  expect(to - from).toBe(23 * 3_600_000 - 1); // the clocks go forward
});

it("details of an event are names and values, empty ones left out", () => {
  expect(pairs({ by: "ada", parameters: {}, outcome: { type: "Failed", exitCode: 2, output: "" }, list: [1] })).toEqual([["by", "ada"], ["outcome.type", "Failed"], ["outcome.exitCode", "2"], ["list", "[1]"]]);
});

it("a table as a file quotes what must be quoted, and makes no formulas", () => {
  expect(csv(["a", "b"], [['say "hi"', 1], ["x,y", "=1+1"]])).toBe('a,b\r\n"say ""hi""",1\r\n"x,y",\'=1+1\r\n');
});

it("time zones say how far they are from UTC", () => {
  expect(offset("Asia/Kolkata", Date.UTC(2026, 0, 1))).toBe("UTC+05:30");
  expect(zoneChoices().some((each) => each.value === "Europe/Berlin")).toBe(true);
});
