"""Examples of bodies, made from the schemas of their types.

Rules: an example that a field brings along counts most, then its default and its choices, then what its name tells
(`job_name` is `myJob` wherever it stands), then the smallest value that the schema allows. A test holds every example
against its schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]

PROJECT_ID = "0123456789abcdef0123456789abcdef"
_BY_NAME: Mapping[str, Any] = {
    "agent_id": "",
    "bucket": "my-bucket",
    "connection_name": "warehouse",
    "content": "echo a",
    "create_user": "admin",
    "data_connection_id": "1001",
    "description": "What it is for.",
    "directory": "/daily",
    "domain_id": PROJECT_ID,
    "domain_name": "arkwright",
    "error_code": "DLF.3051",
    "error_msg": "The request parameter is invalid.",
    "id": "1001",
    "instance_name": "P_myJob_20230821",
    "job_instance_name": "myJob",
    "job_name": "myJob",
    "job_path": "/daily",
    "key": "folder/file.txt",
    "last_update_user": "admin",
    "log_path": "obs://my-bucket/logs",
    "message": "",
    "name": "myJob",
    "node_name": "hello",
    "owner": "admin",
    "owner_id": PROJECT_ID,
    "owner_name": "admin",
    "package_id": PROJECT_ID,
    "path": "/daily",
    "process_type": "BATCH",
    "job_type": "BATCH",
    "project_id": PROJECT_ID,
    "resource_id": "1001",
    "script_name": "echoTime",
    "status": "success",
    "task_id": "1001",
    "task_name": "myJob",
    "type": "Shell",
    "user_id": PROJECT_ID,
    "user_name": "admin",
    "value": "111",
    "version": 1,
    "workspace": "",
    "workspace_id": PROJECT_ID,
    "workspace_name": "default",
}


def named(name: str) -> Any:
    """What fields and parameters of that name hold, in either spelling; None: the name tells nothing."""
    return _BY_NAME.get("".join(f"_{each.lower()}" if each.isupper() else each for each in name))


def example_of(schema: Schema, components: Mapping[str, Schema], name: str = "", depth: int = 0) -> Any:
    """A value that fits the schema; `components` are those that its references lead to."""
    if "$ref" in schema:
        return example_of(components[schema["$ref"].rpartition("/")[2]], components, name, depth + 1)
    if schema.get("examples"):
        return schema["examples"][0]
    for key in ("example", "default", "const"):
        if key in schema and schema[key] not in (None, ""):
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("anyOf"):
        choices = [each for each in schema["anyOf"] if each.get("type") != "null"]
        return example_of(choices[0], components, name, depth)
    match schema.get("type"):
        case "object":
            return _object(schema, components, depth)
        case "array":
            item = schema.get("items")
            return [example_of(item, components, name, depth + 1)] if isinstance(item, dict) and depth < 16 else []
        case "string":
            known = named(name)
            return known if isinstance(known, str) else "text"
        case "integer":
            known = named(name)
            return known if isinstance(known, int) else int(schema.get("minimum", 1))
        case "number":
            return schema.get("minimum", 1.5)
        case "boolean":
            return True
    return named(name) if schema == {} and named(name) is not None else ""


def _object(schema: Schema, components: Mapping[str, Schema], depth: int) -> dict[str, Any]:
    if depth > 16:
        return {}
    return {
        name: example_of(field, components, name, depth + 1)
        for name, field in schema.get("properties", {}).items()
        if depth < 6 or name in schema.get("required", ())
    }
