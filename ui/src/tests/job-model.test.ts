import { describe, expect, it } from "vitest";
import type { Job, JobNode, NodeType } from "../api/types";
import { freshName, objections, placed, position, reaches, renamed, toSave, typeOf, withCondition, withLine, withNode, withoutLine, withoutNode, withProperty } from "../pages/job-model";

const node = (name: string, ...before: string[]): JobNode => ({ name, type: "Shell", preNodeName: before, properties: [{ name: "statement", value: "true" }] });
const job = (...nodes: JobNode[]): Job => ({ name: "j", nodes, schedule: { type: "EXECUTE_ONCE" }, processType: "BATCH" });
const names = (found: Job, name: string) => found.nodes.find((each) => each.name === name)?.preNodeName;
const property = (name: string, required = false) => ({ name, help: "", required, choices: [], scanned: true });
const shell: NodeType = { name: "Shell", title: "Shell", summary: "", category: "program", aliases: ["SHELL-SCRIPT"], icon: "", schema: {}, connections: [], properties: [property("statement"), property("scriptName")], example: {} } as NodeType;
const rest: NodeType = { ...shell, name: "RestAPI", aliases: [], properties: [property("url", true)] };

describe("lines", () => {
  it("are followed over any number of nodes", () => {
    const chain = job(node("a"), node("b", "a"), node("c", "b"), node("d"));
    expect(reaches(chain, "a", "c")).toBe(true);
    expect(reaches(chain, "c", "a")).toBe(false);
    expect(reaches(chain, "a", "d")).toBe(false);
    expect(reaches(chain, "a", "a")).toBe(true);
  });
  it("end in a job that is a circle already", () => {
    expect(reaches(job(node("a", "b"), node("b", "a"), node("c")), "a", "c")).toBe(false);
  });
  it("are drawn once, and never so that they close a circle", () => {
    const chain = job(node("a"), node("b", "a"), node("c", "b"));
    expect(withLine(chain, "c", "a")).toBe(chain);
    expect(withLine(chain, "a", "a")).toBe(chain);
    expect(withLine(chain, "a", "b")).toBe(chain);
    expect(withLine(chain, "a", "nowhere")).toBe(chain);
    expect(names(withLine(chain, "a", "c"), "c")).toEqual(["b", "a"]);
  });
  it("take their condition along when they go", () => {
    const one = withCondition(job(node("a"), node("b", "a")), "a", "b", "#{true}");
    expect(one.nodes[1]?.conditions).toEqual([{ preNodeName: "a", expression: "#{true}" }]);
    expect(withoutLine(one, "a", "b").nodes[1]).toMatchObject({ preNodeName: [], conditions: [] });
    expect(withoutNode(one, "a").nodes).toMatchObject([{ name: "b", preNodeName: [], conditions: [] }]);
    expect(withCondition(one, "a", "b", "").nodes[1]?.conditions).toEqual([]);
  });
});

describe("nodes", () => {
  it("keep their lines and conditions under a new name", () => {
    const found = renamed(withCondition(job(node("a"), node("b", "a")), "a", "b", "#{x}"), "a", "z");
    expect(found.nodes.map((each) => each.name)).toEqual(["z", "b"]);
    expect(found.nodes[1]).toMatchObject({ preNodeName: ["z"], conditions: [{ preNodeName: "z", expression: "#{x}" }] });
  });
  it("get a name that nobody has", () => {
    expect(freshName(job(), "Shell")).toBe("Shell");
    expect(freshName(job(node("Shell"), node("Shell_2")), "Shell")).toBe("Shell_3");
    expect(withNode(job(node("Shell")), shell, { x: 1.6, y: 2.2 })).toMatchObject([{ nodes: [{ name: "Shell" }, { name: "Shell_2", location: { x: "2", y: "2" } }] }, "Shell_2"]);
  });
  it("lose a setting that is emptied, and keep the others", () => {
    const one = withProperty(job(node("a")), "a", "more", "1");
    expect(withProperty(one, "a", "statement", "").nodes[0]?.properties).toEqual([{ name: "more", value: "1" }]);
    expect(withProperty(one, "a", "more", "2").nodes[0]?.properties?.at(-1)).toEqual({ name: "more", value: "2" });
  });
  it("know their type by any spelling", () => {
    expect(typeOf([shell], "shell_script")?.name).toBe("Shell");
    expect(typeOf([shell], "Unheard")).toBeUndefined();
  });
  it("are laid out where places are missing or shared, and left alone elsewhere", () => {
    const far = job({ ...node("a"), location: { x: "5", y: "7" } }, { ...node("b", "a"), location: { x: "300", y: "7" } });
    expect(placed(far)).toBe(far);
    const found = placed(job({ ...node("a"), location: { x: "0", y: "0" } }, { ...node("b", "a"), location: { x: "0", y: "0" } }));
    expect(position(found.nodes[1]!)!.x).toBeGreaterThan(position(found.nodes[0]!)!.x);
    expect(position({ ...node("a"), location: { x: "left", y: "1" } })).toBeNull();
  });
});

describe("what speaks against saving", () => {
  const said = (found: Job) => Object.fromEntries([...objections(found, [shell, rest])].map(([where, each]) => [where, each.map(({ key }) => key)]));
  it("is nothing for a job that is complete", () => {
    expect(said(job(node("a"), node("b", "a")))).toEqual({});
    expect(said({ ...job(node("a")), name: "名称_1" })).toEqual({});
  });
  it("is said at the node, or of the job", () => {
    expect(said({ ...job(), name: "a b" })).toEqual({ "": ["objection.name", "objection.noNodes"] });
    expect(said(job(node("a"), node("a")))).toEqual({ a: ["objection.sameName"] });
    expect(said(job(node("a", "gone")))).toEqual({ a: ["objection.unknownBefore"] });
    expect(said(job({ ...node("a"), properties: [] }))).toEqual({ a: ["objection.oneOf"] });
    expect(said(job({ ...node("a"), properties: [{ name: "scriptName", value: "s" }] }))).toEqual({});
    expect(said(job({ name: "a", type: "RestAPI" }))).toEqual({ a: ["objection.missing"] });
    expect(said({ ...job(node("a")), params: [{ name: "a b", value: "" }] })).toEqual({ "": ["objection.param"] });
  });
});

it("a save leaves out what the server adds, and keeps what it does not know", () => {
  const found = toSave({ ...job(node("a")), id: 1, version: 2, createTime: 3, approvers: [] }, false);
  expect(found).toMatchObject({ name: "j", targetStatus: "SAVED", approvers: [] });
  expect(Object.keys(found)).not.toEqual(expect.arrayContaining(["id"]));
  expect(found).not.toHaveProperty("version");
});
