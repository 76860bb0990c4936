/** Shapes of the API as the console reads them; fields that it does not know are kept when a job is saved. */

export type JobStatus = "SCHEDULING" | "STOPPED" | "PAUSED" | "STARTING" | "NORMAL" | "EXCEPTION" | "STOPPING";

export interface JobItem {
  name: string;
  jobType: "BATCH" | "REAL_TIME";
  owner?: string;
  status: JobStatus;
  createUser: string;
  createTime: number;
  lastInstanceStatus?: string;
  lastInstanceEndTime?: number;
  lastUpdateTime: number;
  lastUpdateUser: string;
  path: string;
}

export interface Property {
  name: string;
  value: string;
}

export interface JobNode {
  name: string;
  type: string;
  location?: { x?: string | number; y?: string | number };
  preNodeName?: string[];
  conditions?: { preNodeName: string; expression: string }[];
  properties?: Property[];
  retryTimes?: number;
  retryInterval?: number;
  maxExecutionTime?: number;
  failPolicy?: string;
  [more: string]: unknown;
}

export interface Job {
  name: string;
  nodes: JobNode[];
  schedule: { type: string; cron?: Record<string, unknown>; event?: Record<string, unknown> };
  processType: "BATCH" | "REAL_TIME";
  params?: { name: string; value: string; type?: string; masked?: boolean }[];
  directory?: string;
  description?: string;
  version?: number;
  id?: number;
  [more: string]: unknown;
}

export interface InstanceItem {
  jobName: string;
  jobId: number;
  status: string;
  planTime: number;
  startTime?: number;
  endTime?: number;
  executeTime?: number;
  instanceId: number;
  submitTime: number;
  instanceType: number;
  version: number;
  overdue?: boolean;
  errorMessage?: string;
  parentInstanceId?: number;
}

export interface NodeItem {
  nodeName: string;
  status: string;
  planTime: number;
  startTime?: number;
  endTime?: number;
  type: string;
  retryTimes: number;
  attempt: number;
  inputRowCount?: number;
  outputRowCount?: number;
  exitCode?: number;
  errorMessage?: string;
  childJobName?: string;
  childTotal?: number;
  childSucceeded?: number;
  childFailed?: number;
  childRunning?: number;
}

export interface InstanceDetail extends InstanceItem {
  nodes: NodeItem[];
}

export interface Condition {
  key: string;
  kind: string;
  text: string;
  release: string;
  instances: number[];
  removable: boolean;
}

export interface Waiting {
  instanceId: number;
  status: string;
  waits: boolean;
  conditions: Condition[];
  note: string;
}

export interface Session {
  userId: string;
  userName: string;
  administrator: boolean;
  projectId: string;
  workspaces: { id: string; name: string; timeZone: string; role: string }[];
  projects: { id: string; name: string }[];
}

export interface NodeTypeProperty {
  name: string;
  help: string;
  required: boolean;
  default?: string;
  choices: string[];
  scanned: boolean;
}

export interface NodeType {
  name: string;
  title: string;
  summary: string;
  category: string;
  aliases: string[];
  connections: string[];
  properties: NodeTypeProperty[];
  example: Record<string, unknown>;
}

export const ENDED = new Set(["success", "fail", "manual-stop", "skip-by-depend"]);
