/** What is known of a script by its text and type. Pure. */

import type { Syntax } from "../parts/Editor";
import type { Versioned } from "./editing";

export interface Script extends Versioned {
  name: string;
  type: string;
  content: string;
  directory?: string;
  connectionName?: string;
  database?: string;
  description?: string;
  version?: number;
  createUser?: string;
  modifyTime?: number;
  [more: string]: unknown;
}

export const TYPES = ["Shell", "PYTHON", "DLISQL", "DWSSQL", "RDSSQL", "HiveSQL", "SparkSQL", "PRESTO", "ImpalaSQL", "ClickHouseSQL", "HetuEngineSQL", "DorisSQL"];

export function syntaxOf(type: string): Syntax {
  const plain = type.toLowerCase();
  return plain.includes("python") ? "python" : plain === "shell" ? "shell" : "sql";
}

export const FIRST: Record<string, string> = { Shell: "echo hello\n", PYTHON: "print('hello')\n" };

/** Connections that run a script of the type; empty: it needs none. */
export function connectionsOf(type: string): string[] {
  const kinds: Record<string, string[]> = { DWSSQL: ["DWS"], RDSSQL: ["RDS", "MYSQL", "POSTGRESQL"], HiveSQL: ["HIVE", "MRSHive"], SparkSQL: ["SparkSQL", "MRSSpark"], PRESTO: ["PRESTO", "MRSPresto", "TRINO"], ImpalaSQL: ["IMPALA", "MRSImpala"], ClickHouseSQL: ["CLICKHOUSE", "MRSClickHouse"], HetuEngineSQL: ["HETUENGINE", "TRINO"], DorisSQL: ["DORIS", "MRSDoris"], Shell: ["HOST"], PYTHON: ["HOST"] };
  return kinds[type] ?? [];
}

/** Names of the `${…}` that a run of it can be given values for; no simple variables such as `${yyyymmdd-1}`. */
export function parametersOf(content: string): string[] {
  const found = [...content.matchAll(/\$\{([A-Za-z0-9._-]{1,64})\}/g)].map((each) => each[1]!);
  return [...new Set(found)].filter((name) => !/^(yyyy|mm|dd|hh24|mi|ss)[-\w]*$/i.test(name));
}

/** What is sent when a script is saved: everything but what the server adds. */
export function toStore(script: Script, comment = ""): Record<string, unknown> {
  const { id: _id, owner: _owner, createUser: _user, modifyTime: _time, version: _version, autoAcquireLock: _lock, versionComment: _comment, ...rest } = script;
  return comment ? { ...rest, versionComment: comment } : rest;
}

export interface Result {
  message: string;
  duration?: number;
  rows: unknown[][];
  schema: Record<string, string>[];
  rowCount: number;
  resultCount?: number;
  rawResult?: string;
}

export const columnsOf = (result: Result) => result.schema.map((column) => Object.keys(column)[0] ?? "");

export function csv(result: Result): string {
  const line = (values: unknown[]) => values.map((value) => (value === null || value === undefined ? "" : /[",\r\n]/.test(String(value)) || value === "" ? `"${String(value).replaceAll('"', '""')}"` : String(value))).join(",");
  return [line(columnsOf(result)), ...result.rows.map(line)].join("\r\n");
}
