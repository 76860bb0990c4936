import { describe, expect, it } from "vitest";
import { ApiError } from "../api/http";
import type { Job, JobNode, NodeType } from "../api/types";
import { paired, united } from "../develop/compare";
import { completed, completion, type Member } from "../develop/completion";
import { fieldsOf, isSecret, usualConfig } from "../develop/connection-fields";
import { expressionOf, planOf, planWords } from "../develop/cron";
import { readDependencies, writeDependencies } from "../develop/dependencies";
import { arrived, begin, change, dirty, kept, redo, saved, taken, undo } from "../develop/editing";
import { toImport } from "../develop/importing";
import { found, kindOf } from "../develop/kinds";
import { fieldOf, refusedAt, refusedIn, viewOf } from "../develop/refusals";
import { columnsOf, csv, parametersOf, type Result, toStore } from "../develop/scripts";
import { copied, moved, neighbour, pasted, placeAfter, targets } from "../develop/selection";
import { filtered } from "../develop/TreeView";
import { addressOf, plainName } from "../develop/upload";
import { paths, read } from "../develop/useDirectories";
import { instantOf, offsetOf, readTime, wallOf, writeTime, zoneOf } from "../develop/zones";
import { en } from "../i18n/en";
import { fill } from "../i18n/index";
import { diffLines } from "../parts/diff";
import { arranged, HEIGHT, layered } from "../parts/layout";

const at = (x: number, y: number) => ({ x: String(x), y: String(y) });
const node = (name: string, x: number, y: number, ...before: string[]): JobNode => ({ name, type: "Shell", location: at(x, y), preNodeName: before, properties: [{ name: "statement", value: "true" }] }) as JobNode;
const job = (...nodes: JobNode[]): Job => ({ name: "j", nodes, schedule: { type: "EXECUTE_ONCE" }, processType: "BATCH" }) as Job;

describe("what is edited", () => {
  const one = { version: 1, text: "a" };
  it("goes back and forth, letters of one word in one step", () => {
    const typed = change(change(change(begin(one), { ...one, text: "b" }, "text"), { ...one, text: "bc" }, "text"), { ...one, text: "d" });
    expect(typed.past.map((each) => each.text)).toEqual(["a", "bc"]);
    expect(undo(undo(typed)).document).toBe(one);
    expect(dirty(undo(undo(typed)))).toBe(false);
    expect(redo(undo(typed)).document.text).toBe("d");
    expect(change(undo(typed), { ...one, text: "e" }).future).toEqual([]);
    expect(undo(begin(one)).document).toBe(one);
  });
  it("is replaced by a newer version where nothing was changed, and kept beside it elsewhere", () => {
    const newer = { version: 2, text: "theirs" };
    expect(arrived(begin(one), newer)).toMatchObject({ document: newer, base: newer, theirs: null });
    const mine = change(begin(one), { ...one, text: "mine" });
    const both = arrived(mine, newer);
    expect(both).toMatchObject({ document: { text: "mine" }, base: one, theirs: newer });
    expect(arrived(both, one)).toBe(both);
    expect(kept(both)).toMatchObject({ document: { text: "mine" }, base: newer, theirs: null });
    expect(taken(both).document).toBe(newer);
    expect(undo(taken(both)).document.text).toBe("mine");
  });
  it("stays unsaved where it was changed while it was sent", () => {
    const sent = { ...one, text: "sent" };
    const stored = { version: 2, text: "sent" };
    expect(dirty(saved(change(begin(one), sent), sent, stored))).toBe(false);
    const later = change(change(begin(one), sent), { ...one, text: "later" });
    expect(saved(later, sent, stored)).toMatchObject({ document: { text: "later" }, base: stored });
  });
});

describe("a refusal", () => {
  const error = (text: string, hint = "") => new ApiError(400, "DLF.3051", text, hint);
  it("belongs to the node and the field that its sentence names", () => {
    const two = job(node("a", 0, 0), { ...node("b", 0, 0), properties: [{ name: "statement", value: "x" }, { name: "url", value: "" }] });
    expect(refusedIn(two, error("nodes[1].retryTimes must be a whole number from 0 to 5, not 9."))).toMatchObject({ node: "b", part: "retryTimes" });
    expect(refusedIn(two, error("nodes[1].properties[1].value must be a text."))).toMatchObject({ node: "b", part: "url" });
    expect(refusedIn(two, error("The job scheduling parameter is invalid.", "schedule.cron.expression: the field hour is wrong."))).toMatchObject({ field: "schedule.cron.expression" });
    expect(refusedIn(two, error("Something else."))).toBeNull();
    expect(refusedIn(two, new Error("name is missing"))).toBeNull();
  });
  it("is shown at its field, in its view", () => {
    expect(fieldOf(error("name breaks the rule for names of jobs, not 'a b'."))).toBe("name");
    expect(refusedAt(error("config.port must be a number from 1 to 65535, not 0."), "config.port")).toContain("65535");
    expect(refusedAt(error("config.port must be a number."), "config.ip")).toBeUndefined();
    expect(["nodes[0].type", "params[1].name", "schedule.cron", "directory"].map(viewOf)).toEqual(["canvas", "params", "schedule", "settings"]);
  });
});

describe("nodes that are chosen", () => {
  const three = job(node("a", 0, 0), node("b", 200, 0, "a"), node("c", 200, 100, "a", "b"));
  it("are copied with the lines among them, under names that nobody has", () => {
    const [next, names] = pasted(three, copied(three, ["b", "c"]))!;
    expect(names).toEqual(["b_2", "c_2"]);
    expect(next.nodes.find((each) => each.name === "c_2")).toMatchObject({ preNodeName: ["b_2"], location: at(240, 140) });
    expect(next.nodes.find((each) => each.name === "b_2")).toMatchObject({ preNodeName: [] });
    expect(pasted(three, "just text")).toBeNull();
    expect(pasted(three, '{"kind":"arkwright/nodes","nodes":[{"name":1}]}')).toBeNull();
  });
  it("are moved only where they go somewhere", () => {
    expect(moved(three, { a: { x: 0, y: 0 } })).toBe(three);
    expect(moved(three, { a: { x: 5.4, y: 1 } }).nodes[0]!.location).toEqual(at(5, 1));
  });
  it("are gone through with the keyboard, along lines and up and down", () => {
    expect([neighbour(three, "a", "after"), neighbour(three, "c", "before"), neighbour(three, "b", "below"), neighbour(three, "c", "above"), neighbour(three, "c", "below")]).toEqual(["b", "a", "c", "b", undefined]);
    expect(neighbour(three, "", "after")).toBe("a");
  });
  it("are connected only so that no circle closes", () => {
    expect(targets(three, "c")).toEqual([]);
    expect(targets(job(node("a", 0, 0), node("b", 0, 0)), "a")).toEqual(["b"]);
  });
  it("get a neighbour where there is room", () => {
    expect(placeAfter(job(), undefined)).toEqual({ x: 0, y: 0 });
    expect(placeAfter(three, "a")).toEqual({ x: 244, y: 246 });
  });
});

describe("an expression", () => {
  const members: Member[] = [{ name: "Job.planTime", signature: "Job.planTime", method: false }, { name: "DateUtil.format", signature: "DateUtil.format(Date, String)", method: true }, { name: "DateUtil.now", signature: "DateUtil.now()", method: true }];
  const offers = (text: string, cursor = text.length) => completion(text, cursor, members, ["day", "region"])?.offers.map((each) => each.text);
  it("is completed where it is being written", () => {
    expect(offers("#{Da")).toEqual(["DateUtil.format()", "DateUtil.now()"]);
    expect(offers("#{DateUtil.format(Job.")).toEqual(["Job.planTime"]);
    expect(offers("${d")).toEqual(["day}"]);
    expect(offers("${d}", 3)).toEqual(["day"]);
    expect(offers('#{Job.getParam("re')).toEqual(['region")']);
    expect(offers("plain Da")).toBeUndefined();
    expect(offers("#{Job.planTime} Da")).toBeUndefined();
    expect(offers('#{DateUtil.format(Job.planTime,"yy')).toBeUndefined();
    expect(offers('#{"}" + Da')).toEqual(["DateUtil.format()", "DateUtil.now()"]);
  });
  it("gets the cursor between its brackets", () => {
    const text = "#{Da}";
    const made = completion(text, 4, members, [])!;
    expect(completed(text, 4, made, made.offers[0]!)).toEqual({ text: "#{DateUtil.format()}", at: 18 });
    expect(completed(text, 4, made, made.offers[1]!)).toEqual({ text: "#{DateUtil.now()}", at: 16 });
  });
});

describe("a plan", () => {
  const t = (key: keyof typeof en, values?: Record<string, string | number>) => fill(en[key], values);
  it.each(["0 0/15 * * * ?", "0 5/10 8-18 * * ?", "0 30 * * * ?", "0 30 8-18/2 * * ?", "0 30 0/6 * * ?", "0 0 8,20 * * ?", "0 15 2 * * ?", "0 0 2 ? * 2,6", "0 0 2 1,15 * ?", "0 0 2 L * ?", "0 0 2 1 1/3 ?", "0 0 2 24 12 ?"])("%s is said by a form, and comes back", (expression) => {
    const plan = planOf(expression);
    expect(plan.cycle).not.toBe("custom");
    expect(expressionOf(plan)).toBe(expression);
  });
  it.each(["0 0 2 ? * 6L", "0 0 2 15W * ?", "5 0 2 * * ?", "0 0 2 * * ? 2026", "", "0 0 25 * * ?", "nonsense"])("%s is left to whoever wrote it", (expression) => {
    expect(planOf(expression).cycle).toBe("custom");
    expect(expressionOf(planOf(expression))).toBe(expression);
  });
  it("is told in words", () => {
    expect(planWords(planOf("0 15 2 * * ?"), t, "en")).toBe("Every day at 02:15");
    expect(planWords(planOf("0 0 2 ? * MON,6"), t, "en")).toBe("Every Monday and Friday at 02:00");
    expect(planWords(planOf("0 0 2 1,L * ?"), t, "en")).toContain("day 1 and the last day");
    expect(planWords(planOf("0 0/15 8-18 * * ?"), t, "en")).toContain("between 08:00 and 18:59");
    expect(planWords(planOf("0 0 2 1 2/3 ?"), t, "en")).toContain("February, May, August, and November");
  });
});

describe("times of a zone", () => {
  it("are read and written with the offset of their day", () => {
    expect([zoneOf("GMT+8"), zoneOf("GMT-3"), zoneOf("GMT+0"), zoneOf("GMT+99")]).toEqual(["Etc/GMT-8", "Etc/GMT+3", "UTC", "UTC"]);
    expect(zoneOf("Nowhere/At all")).toBe("UTC");
    expect(writeTime("2026-07-01T00:00", "Europe/Berlin")).toBe("2026-07-01T00:00:00+02");
    expect(writeTime("2026-01-01T00:00", "Asia/Kolkata")).toBe("2026-01-01T00:00:00+05:30");
    expect(wallOf(readTime("2018-10-22T23:59:59+08", "UTC")!, "GMT+8")).toBe("2018-10-22T23:59");
    expect(readTime("2026-01-01T00:00:00", "GMT+8")).toBe(Date.UTC(2025, 11, 31, 16));
    expect(readTime("tomorrow", "UTC")).toBeNull();
    expect(offsetOf(instantOf("2026-03-29T03:30", "Europe/Berlin"), "Europe/Berlin")).toBe(120);
  });
});

describe("what a plan waits for", () => {
  it("is one row a job, whichever way it was written", () => {
    const rows = readDependencies({ dependJobs: { jobs: ["a", "b"], dependFailPolicy: "SUSPEND", sameWorkSpaceJobs: [{ jobName: "b", dependOnLastPeriod: true, dependOnLastNPeriodValue: 3, dependType: "LAST" }], otherWorkSpaceJobs: [{ jobName: "c", workSpaceId: "w" }] } });
    expect(rows).toEqual([
      { job: "a", workspace: "", periodsBack: 0, take: "", failPolicy: "SUSPEND" },
      { job: "b", workspace: "", periodsBack: 3, take: "LAST", failPolicy: "SUSPEND" },
      { job: "c", workspace: "w", periodsBack: 0, take: "", failPolicy: "SUSPEND" },
    ]);
    expect(readDependencies(writeDependencies({ expression: "x" }, rows))).toEqual(rows);
    expect(readDependencies({ dependJobs: [{ jobName: "n", dependPeriod: "PRE_PERIOD" }] })).toMatchObject([{ job: "n", periodsBack: 1 }]);
    expect(readDependencies({})).toEqual([]);
  });
  it("is written as plainly as it can be", () => {
    const row = { job: "a", workspace: "", periodsBack: 0, take: "" as const, failPolicy: "FAIL" as const };
    expect(writeDependencies({}, [row])).toEqual({ dependJobs: { dependFailPolicy: "FAIL", jobs: ["a"] } });
    expect(writeDependencies({}, [row, { ...row, job: "b", failPolicy: "IGNORE" }]).dependJobs).toHaveLength(2);
    expect(writeDependencies({ dependJobs: { jobs: ["a"] }, expression: "x" }, [])).toEqual({ expression: "x" });
  });
});

describe("two versions", () => {
  it("stand beside each other line by line", () => {
    expect(paired(diffLines("a\nb\nc", "a\nx\ny\nc"))).toEqual([
      { left: "a", right: "a", changed: false },
      { left: "b", right: "x", changed: true },
      { left: null, right: "y", changed: true },
      { left: "c", right: "c", changed: false },
    ]);
  });
  it("are one graph of what came, went and changed", () => {
    const before = job(node("a", 0, 0), node("b", 1, 1, "a"), node("gone", 0, 0));
    const after = job(node("a", 9, 9), { ...node("b", 1, 1), retryTimes: 2, properties: [{ name: "statement", value: "false" }] }, node("new", 0, 0));
    expect(united(before, after).map(({ node: { name }, kind, what }) => [name, kind, what])).toEqual([["a", "same", []], ["b", "changed", ["retryTimes", "statement", "preNodeName"]], ["new", "new", []], ["gone", "gone", []]]);
  });
});

it("node types are found by their words, in groups", () => {
  const type = (name: string, category: string, summary = "") => ({ name, title: name, summary, category, aliases: [], connections: [], properties: [], icon: "database" }) as unknown as NodeType;
  const types = [type("Shell", "program", "Runs a shell"), type("DLISQL", "sql"), type("Odd", "never heard of")];
  expect(found(types, "").map(([group]) => group)).toEqual(["program", "sql", "others"]);
  expect(found(types, "runs sh").map(([, each]) => each.map(({ name }) => name))).toEqual([["Shell"]]);
  expect(found(types, "nothing")).toEqual([]);
  expect(kindOf(undefined).group).toBe("others");
});

it("directories are read with what lies below them, and found by name", () => {
  const tree = read({ directory_name: "/", elements: [{ name: "top" }], sub_directories: [{ directory_name: "a", elements: [], sub_directories: [{ directory_name: "b", elements: [{ name: "deep" }], sub_directories: [] }] }] });
  expect(paths(tree)).toEqual(["/", "/a", "/a/b"]);
  expect([tree.count, tree.children[0]!.count]).toEqual([2, 1]);
  expect(paths(filtered(tree, "deep")!)).toEqual(["/", "/a", "/a/b"]);
  expect(paths(filtered(tree, "zzz")!)).toEqual(["/"]);
});

describe("a script", () => {
  it("names its parameters, and no simple variables", () => {
    expect(parametersOf("select ${a}, ${b.c}, ${a}, ${yyyymmdd-1} from t where #{Job.name}")).toEqual(["a", "b.c"]);
  });
  it("is stored without what the server adds", () => {
    expect(toStore({ name: "s", type: "Shell", content: "x", version: 3, owner: "me", versionComment: "old", kept: 1 }, "new")).toEqual({ name: "s", type: "Shell", content: "x", kept: 1, versionComment: "new" });
  });
  it("has results that a spreadsheet reads", () => {
    const result: Result = { message: "", rowCount: 2, schema: [{ a: "string" }, { "b c": "string" }], rows: [["1", 'say "x", y'], [null, ""]] };
    expect(columnsOf(result)).toEqual(["a", "b c"]);
    expect(csv(result)).toBe('a,b c\r\n1,"say ""x"", y"\r\n,""');
  });
});

it("a connection's form shows what its type needs, and whatever else is stored", () => {
  expect(fieldsOf("KAFKA", { securityProtocol: "PLAINTEXT" }).map((each) => each.name)).toEqual(["bootstrapServers", "securityProtocol"]);
  expect(fieldsOf("kafka", { securityProtocol: "SASL_SSL", more: 1 }).map((each) => each.name)).toContain("more");
  expect(usualConfig("HOST")).toEqual({ port: "22" });
  expect([isSecret("private_key"), isSecret("userName")]).toEqual([true, false]);
});

it("an import is bounded only where something stays out", () => {
  const content = { jobs: [{ name: "a", path: "/", params: {} }, { name: "b", path: "/", params: {} }], scripts: [{ name: "s", path: "/" }] };
  expect(toImport("obs://b/x.zip", content, { jobs: new Set(), scripts: new Set() }, "SKIP", "")).toEqual({ path: "obs://b/x.zip", sameNamePolicy: "SKIP" });
  expect(toImport("p", content, { jobs: new Set(["b"]), scripts: new Set() }, "SKIP", "SAVED")).toMatchObject({ targetStatus: "SAVED", only: { jobs: ["a"], scripts: ["s"] } });
});

it("objects have addresses, and names that every storage takes", () => {
  expect(addressOf("obs://b/a b/c.jar")).toBe("/obs/b/a%20b/c.jar");
  expect(() => addressOf("b/c")).toThrow("obs://");
  expect([plainName("my file (1).jar"), plainName("../x"), plainName("…")]).toEqual(["my_file_1_.jar", "_x", "_"]);
});

describe("a large job", () => {
  const names = Array.from({ length: 500 }, (_, each) => `n${each}`);
  const edges = names.flatMap((name, each) => [...new Set([Math.floor((each - 1) / 2), each - 7])].filter((from) => from >= 0 && from < each).map((from): [string, string] => [`n${from}`, name]));
  it("is laid out at once, from left to right, and no node covers another one", () => {
    const begun = performance.now();
    const places = arranged(names, edges);
    expect(performance.now() - begun).toBeLessThan(1500);
    for (const [from, to] of edges) expect(places.get(from)!.x).toBeLessThan(places.get(to)!.x);
    const columns = new Map<number, number[]>();
    for (const { x, y } of places.values()) columns.set(x, [...(columns.get(x) ?? []), y]);
    for (const each of columns.values()) {
      each.sort((a, b) => a - b);
      expect(each.every((y, one) => one === 0 || y - each[one - 1]! >= HEIGHT)).toBe(true);
    }
    expect(Math.min(...[...places.values()].map((each) => each.y))).toBe(0);
  });
  it("may even be a circle", () => {
    const ring = names.slice(0, 100);
    expect(layered(ring, ring.map((name, each) => [name, ring[(each + 1) % 100]!])).size).toBe(100);
  });
});
