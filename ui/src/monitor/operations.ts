/** What may be done to an instance and its nodes in which state, and what would happen; the server has the last word. */
import { ENDED, type Job, type NodeItem } from "../api/types";

export type Operation = "stop" | "restart" | "restartError" | "continue" | "force-success" | "pause" | "resume" | "confirm" | "freeze" | "unfreeze" | "run-without-dependencies" | "run-preferentially";
export type NodeOperation = "retry" | "force-success" | "skip" | "pause" | "resume" | "restartFrom";

/** The likeliest first. */
export function operations(status: string): Operation[] {
  if (status === "success") return ["restart"];
  if (status === "fail" || status === "manual-stop") return ["restartError", "restart", "force-success"];
  if (ENDED.has(status)) return ["restart"];
  switch (status) {
    case "waiting":
      return ["stop", "run-without-dependencies", "run-preferentially", "freeze"];
    case "waiting-confirm":
      return ["confirm", "freeze", "stop"];
    case "freeze":
      return ["unfreeze", "stop"];
    case "pause":
      return ["resume", "stop"];
    case "running-exception":
      return ["continue", "force-success", "stop"];
    default:
      return ["stop", "pause"];
  }
}

export function nodeOperations(instanceStatus: string, nodeStatus: string): NodeOperation[] {
  // Nodes that did not succeed run again anyway, and an instance that succeeded begins at its first node.
  if (ENDED.has(instanceStatus)) return instanceStatus !== "success" && nodeStatus === "success" ? ["restartFrom"] : [];
  if (nodeStatus === "fail") return instanceStatus === "running-exception" ? ["retry", "force-success"] : [];
  if (nodeStatus === "waiting") return ["skip", "pause"];
  if (nodeStatus === "pause") return ["resume", "skip"];
  return [];
}

/** Operations that take something away from somebody. */
export const RISKY = new Set<string>(["stop", "force-success", "skip"]);

/** Names of nodes by what an operation does to them; empty lists are left out. */
export type Effect = Partial<Record<"runs" | "stops" | "never" | "green" | "passed" | "kept", string[]>>;

/** All nodes that come after these, directly or not, and these. */
export function downstream(names: string[], job: Pick<Job, "nodes"> | undefined): Set<string> {
  const found = new Set(names);
  let before = -1;
  while (found.size !== before) {
    before = found.size;
    for (const node of job?.nodes ?? []) if (node.preNodeName?.some((each) => found.has(each))) found.add(node.name);
  }
  return found;
}

export function effect(operation: Operation | NodeOperation, nodes: NodeItem[], job: Pick<Job, "nodes"> | undefined, nodeName = ""): Effect {
  const named = (...statuses: string[]) => nodes.filter((each) => statuses.includes(each.status)).map((each) => each.nodeName);
  const names = nodes.map((each) => each.nodeName);
  const parted = (again: Set<string>): Effect => ({ runs: names.filter((each) => again.has(each)), kept: names.filter((each) => !again.has(each)) });
  const found = ((): Effect => {
    switch (operation) {
      case "restart":
        return { runs: names };
      case "restartError":
      case "restartFrom":
        return parted(downstream([...nodes.filter((each) => each.status !== "success").map((each) => each.nodeName), ...(nodeName ? [nodeName] : [])], job));
      case "stop":
        return { stops: named("running"), never: named("waiting", "pause") };
      case "force-success":
        if (nodeName) return { green: [nodeName] };
        return { green: named("fail"), stops: named("running"), never: named("waiting", "pause") };
      case "continue":
        return { passed: named("fail"), runs: named("waiting") };
      case "retry":
        return { runs: [nodeName] };
      case "skip":
        return { never: [nodeName], runs: names.filter((each) => each !== nodeName && downstream([nodeName], job).has(each)) };
      default:
        return {};
    }
  })();
  return Object.fromEntries(Object.entries(found).filter(([, list]) => list.length)) as Effect;
}
