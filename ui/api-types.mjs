/** Writes `src/api/openapi.d.ts` from the API's own OpenAPI document; with `--check` says whether it is current.
 *
 * The document is asked of the code, so no server need run: it takes the environment that `make setup` makes. Besides
 * the schemas the file has tables by the names of the operations: `Answers`, `Bodies`, `Queries`.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const FILE = new URL("src/api/openapi.d.ts", import.meta.url);
const PYTHON = process.env.PYTHON ?? "../.venv/bin/python";
const ASK = "from arkwright.api.openapi import make_document; from arkwright.api.routes import ROUTES; import json; print(json.dumps(make_document(ROUTES)))";

function described() {
  try {
    return JSON.parse(execFileSync(PYTHON, ["-c", ASK], { maxBuffer: 64 << 20, encoding: "utf8" }));
  } catch {
    console.error("The API's document can't be made, for the reason above (`make setup` makes the environment for it).");
    process.exit(1);
  }
}

const { openapi, paths, components } = described();
const answers = {};
const bodies = {};
const queries = {};
const json = (content) => content?.["application/json"]?.schema;
for (const operation of Object.values(paths).flatMap((each) => Object.values(each))) {
  const [, success] = Object.entries(operation.responses).find(([status]) => status < "300") ?? [];
  if (json(success?.content)) answers[operation.operationId] = json(success.content);
  const asked = operation.parameters.filter((each) => each.in === "query");
  if (asked.length) queries[operation.operationId] = { type: "object", properties: Object.fromEntries(asked.map((each) => [each.name, each.schema])), required: asked.filter((each) => each.required).map((each) => each.name) };
  if (json(operation.requestBody?.content)) bodies[operation.operationId] = json(operation.requestBody.content);
}
const table = (properties) => ({ type: "object", properties, required: Object.keys(properties) });
const schemas = { ...components.schemas, Answers: table(answers), Bodies: table(bodies), Queries: table(queries) };
// A field that has a default is one that answers may leave out.
const options = { alphabetize: true, defaultNonNullable: false, emptyObjectsUnknown: true };
const types = astToString(await openapiTS({ openapi, info: { title: "", version: "" }, paths: {}, components: { schemas } }, options));
const made = `/* Written by \`make ui-types\` from the API's OpenAPI document; changed there, never here. */\n${types}`;

if (process.argv.includes("--check")) {
  let kept = "";
  try {
    kept = readFileSync(FILE, "utf8");
  } catch {
    // Not written yet: as stale as can be.
  }
  if (kept !== made) {
    console.error("ui/src/api/openapi.d.ts does not say what the API says: run `make ui-types`.");
    process.exit(1);
  }
} else writeFileSync(FILE, made);
