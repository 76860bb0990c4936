/** What the types of connections need, as forms show it. Pure. */

import type { Key } from "../i18n";

export interface Field {
  name: string;
  required?: boolean;
  secret?: boolean;
  /** A text over several lines, such as a key. */
  long?: boolean;
  choices?: string[];
  default?: string;
  placeholder?: string;
  /** Shown only while another field has that value. */
  when?: [field: string, values: string[]];
}

export interface ConnectionType {
  name: string;
  title: string;
  what: Key;
  fields: Field[];
}

const at = (port: string, required = true): Field[] => [{ name: "ip", required, placeholder: "10.0.0.5" }, { name: "port", required, default: port }];
const user = (required = true): Field[] => [{ name: "userName", required }, { name: "password", required, secret: true }];
const ssl: Field = { name: "sslEnable", choices: ["true", "false"], default: "false" };
const database: Field = { name: "database" };

/** The types that the API for connections takes. */
export const CONNECTION_TYPES: ConnectionType[] = [
  { name: "DWS", title: "DWS", what: "conn.DWS", fields: [...at("5432"), ...user(), database, { ...ssl, required: true }] },
  {
    name: "RDS",
    title: "RDS",
    what: "conn.RDS",
    fields: [...at("5432"), ...user(), database, { name: "driverName", required: true, choices: ["org.postgresql.Driver", "com.mysql.jdbc.Driver"], default: "org.postgresql.Driver" }, { name: "driverPath", required: true, default: "obs://drivers/driver.jar" }, ssl],
  },
  { name: "HOST", title: "HOST", what: "conn.HOST", fields: [...at("22"), { name: "userName", required: true }, { name: "password", required: true, secret: true }, { name: "privateKey", secret: true, long: true }, { name: "passphrase", secret: true }, { name: "hostKey", long: true }] },
  {
    name: "KAFKA",
    title: "KAFKA",
    what: "conn.KAFKA",
    fields: [
      { name: "bootstrapServers", required: true, placeholder: "kafka-1:9092,kafka-2:9092" },
      { name: "securityProtocol", choices: ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"], default: "PLAINTEXT" },
      { name: "saslMechanism", choices: ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], when: ["securityProtocol", ["SASL_PLAINTEXT", "SASL_SSL"]] },
      { name: "userName", when: ["securityProtocol", ["SASL_PLAINTEXT", "SASL_SSL"]] },
      { name: "password", secret: true, when: ["securityProtocol", ["SASL_PLAINTEXT", "SASL_SSL"]] },
      { name: "caCertificate", long: true, when: ["securityProtocol", ["SSL", "SASL_SSL"]] },
    ],
  },
  { name: "HIVE", title: "HIVE", what: "conn.HIVE", fields: [{ name: "clusterName", required: true }, { name: "connectionMethod", required: true, choices: ["agent", "direct"], default: "direct" }, ...at("10000", false), ...user(false), database] },
  { name: "SparkSQL", title: "SparkSQL", what: "conn.SparkSQL", fields: [{ name: "clusterName", required: true }, { name: "connectionMethod", required: true, choices: ["agent", "direct"], default: "direct" }, ...at("10000", false), ...user(false), database] },
  { name: "CloudTable", title: "CloudTable", what: "conn.CloudTable", fields: [{ name: "clusterName", required: true }] },
  { name: "DLI", title: "DLI", what: "conn.DLI", fields: [] },
];

export const typeNamed = (name: string) => CONNECTION_TYPES.find((each) => each.name.toLowerCase() === name.toLowerCase());

const SECRET = /password|passwd|passphrase|secret|token|credential|privatekey|accesskey|pwd$/;
export const isSecret = (name: string) => SECRET.test(name.replace(/[-_. ]/g, "").toLowerCase());

/** The fields that a form shows for a configuration: those of the type that count now, and whatever else it has. */
export function fieldsOf(type: string, config: Record<string, unknown>): Field[] {
  const known = typeNamed(type)?.fields ?? [];
  const shown = known.filter(({ when, name }) => !when || when[1].includes(String(config[when[0]] ?? "")) || (config[name] ?? "") !== "");
  const others = Object.keys(config).filter((name) => !known.some((each) => each.name === name));
  return [...shown, ...others.map((name) => ({ name, secret: isSecret(name) }))];
}

export const usualConfig = (type: string) => Object.fromEntries((typeNamed(type)?.fields ?? []).flatMap(({ name, default: value }) => (value ? [[name, value]] : [])));
