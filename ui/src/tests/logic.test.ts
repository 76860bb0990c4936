import { describe, expect, it } from "vitest";
import { parseEvent, setPlace, url } from "../api/http";
import { de } from "../i18n/de";
import { works, turned } from "../pages/Calendars";
import { relatedJobs } from "../pages/Dependencies";
import { operations } from "../monitor/operations";
import { spanOf } from "../pages/InstanceTable";
import { points } from "../monitor/Curve";
import { worstByDay } from "../pages/PatchData";
import { dayOf, daysBetween, midnightOf, monthsOf, nextDay, patchDate, weeksOf } from "../parts/days";
import { diffLines, hunks } from "../parts/diff";
import { look, stateName } from "../parts/states";
import { clock, span } from "../parts/time";

describe("events of a stream", () => {
  it("are read with all their lines", () => {
    expect(parseEvent("event: log\nid: 7\ndata: a\ndata: b")).toEqual({ event: "log", id: "7", data: "a\nb" });
    expect(parseEvent("data:tight")).toEqual({ event: "message", id: "", data: "tight" });
  });
  it("are none where only a comment keeps the line open", () => {
    expect(parseEvent(": still here")).toBeNull();
    expect(parseEvent("event: nothing")).toBeNull();
  });
});

it("a state has a word in each language, and one that is new is shown as it is", () => {
  const t = (key: keyof typeof de) => de[key];
  expect(stateName(t, "running-exception")).toBe("Fehler, wartet");
  expect(stateName(t, "brand-new")).toBe("brand-new");
});

it("an address leaves out what is not asked for", () => {
  setPlace({ projectId: "p1", workspaceId: "" });
  expect(url("/v1/{p}/jobs", { limit: 0, name: "", more: undefined, both: "a&b" })).toBe("/v1/p1/jobs?limit=0&both=a%26b");
});

describe("days", () => {
  it("belong to a time zone", () => {
    expect(dayOf(Date.UTC(2026, 0, 31, 23, 30), "Europe/Berlin")).toBe("2026-02-01");
    expect(dayOf(Date.UTC(2026, 0, 31, 23, 30), "America/New_York")).toBe("2026-01-31");
  });
  it.each(["UTC", "Europe/Berlin", "Asia/Shanghai", "Asia/Kolkata", "America/New_York", "Pacific/Auckland"])("begin at midnight in %s, also when clocks change", (zone) => {
    for (const day of ["2026-01-01", "2026-03-08", "2026-03-29", "2026-10-25", "2026-11-01", "2026-04-05"]) {
      expect(clock(midnightOf(day, zone), zone)).toBe(`${day} 00:00:00`);
    }
  });
  it("are counted, and written as the API of patches takes them", () => {
    expect(daysBetween("2026-02-27", "2026-03-01")).toEqual(["2026-02-27", "2026-02-28", "2026-03-01"]);
    expect(daysBetween("2026-03-01", "2026-02-01")).toEqual([]);
    expect(daysBetween("", "2026-02-01")).toEqual([]);
    expect(nextDay("2026-12-31")).toBe("2027-01-01");
    expect(patchDate(Date.UTC(2023, 7, 21))).toBe("2023-08-21T00:00:00 +00");
  });
  it("make up the weeks of a month from Monday on", () => {
    const weeks = weeksOf("2026-02");
    expect(weeks[0]).toEqual([null, null, null, null, null, null, "2026-02-01"]);
    expect(weeks.flat().filter(Boolean)).toHaveLength(28);
    expect(weeks.every((week) => week.length === 7)).toBe(true);
    expect(monthsOf(["2026-02-01", "2026-01-31", "2026-02-02"])).toEqual(["2026-01", "2026-02"]);
  });
});

it("a day of a backfill shows its worst state, and counts them all", () => {
  const at = Date.UTC(2026, 0, 1, 12);
  const found = worstByDay([{ planTime: at, status: "success" }, { planTime: at, status: "fail" }, { planTime: at, status: "success" }, { planTime: at + 86_400_000, status: "waiting" }], "UTC");
  expect(found.get("2026-01-01")).toEqual({ status: "fail", counts: { success: 2, fail: 1 } });
  expect(found.get("2026-01-02")?.status).toBe("waiting");
});

it("a calendar keeps only the days that differ from its week", () => {
  const calendar = { name: "c", default: "MON_TO_FRI" as const, changed: {} };
  expect(works(calendar, "2026-11-20")).toBe(true);
  expect(works(calendar, "2026-11-22")).toBe(false);
  const open = turned(calendar, "2026-11-22");
  expect(open.changed).toEqual({ "2026-11-22": true });
  expect(turned(open, "2026-11-22").changed).toEqual({});
});

it("instances are asked for a week at most", () => {
  const now = 1_800_000_000_000;
  expect(spanOf("1", now)).toEqual([now - 3_600_000, now]);
  expect(spanOf("99999", now)).toEqual([now - 7 * 86_400_000, now]);
  expect(spanOf("w2", now)).toEqual([now - 21 * 86_400_000, now - 14 * 86_400_000]);
});

it("jobs that wait for each other are read once each", async () => {
  const lines: Record<string, [string, string][]> = { b: [["a", "parent"], ["c", "child"]], a: [["b", "child"]], c: [["b", "parent"]] };
  const asked: string[] = [];
  const found = await relatedJobs("b", async (name) => {
    asked.push(name);
    return (lines[name] ?? []).map(([job_name, depend_layer]) => ({ job_name, depend_layer }));
  });
  expect(asked.sort()).toEqual(["a", "b", "c"]);
  expect(Object.fromEntries(found.map((each) => [each.name, each.preNodeName]))).toEqual({ a: [], b: ["a"], c: ["b"] });
});

it("the curve of a day ends at its highest value", () => {
  expect(points([0, 5, 10], 10)).toBe("0,150 42,80 83,10");
});

describe("what changed between two texts", () => {
  it("is as little as possible", () => {
    expect(diffLines("a\nb\nc", "a\nx\nc").map(({ kind, text }) => `${kind} ${text}`)).toEqual(["same a", "gone b", "new x", "same c"]);
    expect(diffLines("a", "a").every((each) => each.kind === "same")).toBe(true);
    expect(diffLines("a\nb\nc\nd", "a\nc\nd\ne").filter((each) => each.kind === "same").map((each) => each.text)).toEqual(["a", "c", "d"]);
  });
  it("is shown with some lines around it", () => {
    const text = Array.from({ length: 30 }, (_, at) => `line ${at}`);
    const found = hunks(diffLines(text.join("\n"), text.map((each) => (each === "line 15" ? "new" : each)).join("\n")));
    expect(found[0]).toBeNull();
    expect(found.filter(Boolean)).toHaveLength(8);
    expect(found.at(-1)).toBeNull();
  });
});

it("every state that can be operated on has a way on, and a colour of its own kind", () => {
  expect(operations("success")).toEqual(["restart"]);
  expect(operations("fail")[0]).toBe("restartError");
  expect(operations("running")).toContain("stop");
  expect(operations("waiting")).toContain("run-without-dependencies");
  expect(look("fail").color).not.toBe(look("success").color);
  expect(look("never heard of")).toEqual(look("waiting"));
});

it("times are short where they are short", () => {
  expect([span(12), span(1500), span(61_000), span(7_260_000), span(undefined)]).toEqual(["12 ms", "1.5 s", "1 min 1 s", "2 h 1 min", ""]);
});
