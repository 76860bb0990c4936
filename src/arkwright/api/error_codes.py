"""The one table of error codes: each with its HTTP status, the documented text, and what to do about it.

Rules: clients compare `error_code`, and some compare `error_msg`, so a code with a documented text answers exactly
that text (the one of the documents' examples where it differs from their table) and says the rest in `hint`. Codes
marked `free` (`DLF.3051` above all) have a text that varies: it names the field, the rule and the way out.
The newer API puts a digit in front of some codes (DLF.0100 and DLF.30100): see `NEWER`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from arkwright.errors import Code


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorCode:
    code: str
    status: int = 400
    text: str
    hint: str = ""
    free: bool = False
    """Whether the text may be replaced by one that says more."""
    nested: str = ""
    """Told a second time under this code in the list `errors`, where Terraform's provider looks for what is gone."""


def _row(code: str, text: str, hint: str = "", *, status: int = 400, free: bool = False, nested: str = "") -> ErrorCode:
    return ErrorCode(code=code, status=status, text=text, hint=hint, free=free, nested=nested)


# -- jobs and instances
JOB_NOT_FOUND = _row("DLF.0100", "The job does not exists.", "GET …/jobs lists the jobs of the workspace.")
JOB_QUOTA = _row("DLF.0101", "The job quota has reached the upper limit.", "Delete jobs, or raise the limit.")
JOB_EXISTS = _row("DLF.0102", "The job name already exists.", "Choose another name, or edit the job with PUT.")
PATCH_NOT_FOUND = _row("DLF.0113", "The supplement does not exist.", free=True)
ONLY_BATCH = _row("DLF.0136", "This API can be called only for batch jobs.")
INSTANCE_NOT_FOUND = _row("DLF.0137", "Job instance does not exist.", "GET …/jobs/instances/detail lists them.")
JOB_WITHOUT_NODES = _row("DLF.1006", "The job node is empty.", "A job needs at least one node.")
JOB_TYPE_INVALID = _row("DLF.2014", "The job type is invalid.", "processType is BATCH or REAL_TIME.")
JOB_NAME_EMPTY = _row("DLF.3004", "The job name cannot be left blank.", "Send a name.")
JOB_NAME_INVALID = _row(
    "DLF.3018", "The job name is invalid.", "A name has 1 to 128 letters, digits, Chinese characters, -, _ and dots."
)
JOB_SCHEDULE_INVALID = _row("DLF.3025", "The job scheduling parameter is invalid.")
JOB_DESCRIPTION_INVALID = _row(
    "DLF.3050", "The job description is invalid.", "A description has at most 255 characters."
)
PARAMETER_INVALID = _row("DLF.3051", "The request parameter is invalid.", free=True)
VERSION_CHANGED = _row(
    "DLF.9996",
    "Somebody else has changed it.",
    "Read it anew, or leave out the header If-Match to write over what is there.",
    status=412,
    free=True,
)

# -- expressions: one row for all kinds of mistakes (ARK.EL.0001 to 0017, see the reference of the language)
EXPRESSION_INVALID = _row("ARK.EL.0001", "The text can't be evaluated.", free=True)

# -- scripts
SCRIPT_NOT_CREATED = _row("DLF.0201", "The script fails to be created.")
SCRIPT_EXISTS = _row(
    "DLF.0202",
    "The script name has been used by another script.",
    "Choose another name, or edit the script with PUT.",
)
SCRIPT_NOT_MODIFIED = _row("DLF.0203", "The script fails to be modified.")
SCRIPT_NOT_FOUND = _row(
    "DLF.6201", "The script does not exist.", "GET …/scripts lists the scripts of the workspace.", nested="DLF.6201"
)
SCRIPT_RUN_NOT_FOUND = _row("DLF.6205", "The script running history does not exist.")
SCRIPT_TYPE_MISSING = _row("DLF.6247", "The script type is not specified.", "Send a type, such as Shell or DLISQL.")
SCRIPT_QUOTA = _row("DLF.6253", "The script quota has reached the upper limit.")

# -- files, tasks, workspaces
NOT_CONFIGURED = _row("DLF.0802", "The specified parameter is not configured.")
OBS_PATH_INVALID = _row("DLF.0803", "The OBS path is invalid.")
TASK_NOT_FOUND = _row("DLF.0810", "Task does not exist.")
OBS_UNREADABLE = _row("DLF.0815", "Fail to read OBS file.")
WORKSPACE_NOT_FOUND = _row(
    "DLF.0819",
    "The workspace does not exist.",
    "The header `workspace` takes the id of a workspace; leave it out for the default one.",
    nested="DLF.0819",
)
OBJECT_NOT_FOUND = _row("DLF.0815", "Fail to read OBS file.", "GET /obs/{bucket} lists what there is.", status=404)
BUCKET_NOT_FOUND = _row("DLF.1242", "The OBS bucket does not exist.")

# -- resources
RESOURCE_NOT_FOUND = _row("DLF.6241", "The resource information does not exist.")
DIRECTORY_NOT_EMPTY = _row("DLF.6258", "The directory contains data that cannot be deleted.")
RESOURCE_EXISTS = _row("DLF.6259", "Files of the same name exist in the directory.")
RESOURCE_TYPE_INVALID = _row("DLF.6263", "The resource type is invalid.")
RESOURCE_PATH_INVALID = _row("DLF.6264", "The OBS path of the resource file is invalid.")
RESOURCE_DESCRIPTION_INVALID = _row("DLF.6265", "The resource description is invalid.")

# -- connections
ONE_DLI_CONNECTION = _row("DLF.6271", "Each user can create only one DLI connection.")
CONNECTION_EXISTS = _row("DLF.6309", "The name already exists.")
CONNECTION_NOT_FOUND = _row("DLF.6322", "The data connection does not exist.", nested="DAYU.1005")
CONNECTION_TYPE_FIXED = _row("DLF.6323", "The connection type cannot be modified.")
CLUSTER_OCCUPIED = _row("DLF.6416", "The cluster has been occupied by another connection.")
CLUSTER_NEEDED = _row(
    "DLF.6418",
    "Either the DWS cluster name or the access address and port number of the cluster must be configured.",
)
AGENT_FAILED = _row("DLF.6423", "An exception occurs when the agent is creating a job.")
ACCOUNT_INVALID = _row("DLF.6888", "Invalid account permissions.")

# -- the newer API
TASK_NOT_FOUND_2 = _row("DLF.20810", "Task does not exist", free=True)
WORKSPACE_NOT_FOUND_2 = _row("DLF.20819", "The workspace does not exist.", WORKSPACE_NOT_FOUND.hint)
ALREADY_RELEASED = _row("DLF.20990", "The package has been released.", free=True)
VALUE_NOT_FOUND = _row("DLF.21203", "The value of the parameter does not exist.", free=True)
JOB_NOT_FOUND_2 = _row("DLF.30100", "The job does not exists.", JOB_NOT_FOUND.hint, free=True)
TRIGGER_NEEDED = _row("DLF.30111", "The job has no trigger.", free=True)
PATCH_NOT_FOUND_2 = _row("DLF.30113", "The supplement does not exist.", free=True)
PATCH_DATES_INVALID = _row("DLF.30121", "The end time must be at least 2 seconds after the start time.", free=True)
INSTANCE_NOT_FOUND_2 = _row("DLF.30137", "Job instance does not exist.", INSTANCE_NOT_FOUND.hint)

# -- the Management Center
DLM_NOT_FOUND = _row("DLM.4001", "The instance or workspace does not exist.", free=True)

# -- the gateway's: whatever is wrong before a service is asked
ROUTE_NOT_FOUND = _row(
    "APIGW.0101",
    "The API does not exist or has not been published in the environment.",
    "GET /openapi.json lists what there is.",
    status=404,
)
METHOD_NOT_ALLOWED = _row(
    "APIGW.0101",
    "The API does not exist with this method.",
    "The header Allow names the methods it has.",
    status=405,
)
HEADER_MISSING = _row("APIGW.0106", "A required parameter or header is missing.", free=True)
BAD_REQUEST = _row(
    "APIGW.0201",
    "The request can't be read.",
    "It must be HTTP/1.1 or HTTP/1.0; what is no ASCII in an address is percent-encoded.",
    free=True,
)
REQUEST_TOO_SLOW = _row("APIGW.0201", "The rest of the request did not come in time.", status=408, free=True)
HEAD_TOO_LARGE = _row(
    "APIGW.0201", "Address and headers of the request are too large.", "64 KiB is the most.", status=431, free=True
)
BODY_TOO_LARGE = _row("APIGW.0201", "The request body is too large.", status=413, free=True)
BACKEND_TIMEOUT = _row("APIGW.0201", "The backend timed out.", status=504)
UNAUTHENTICATED = _row("APIGW.0301", "Incorrect IAM authentication information.", status=401, free=True)
FORBIDDEN = _row("APIGW.0302", "The IAM user is not authorized to access the API.", status=403, free=True)
APP_UNAUTHENTICATED = _row("APIGW.0303", "Incorrect app authentication information.", status=401)
APP_FORBIDDEN = _row("APIGW.0304", "The app is not authorized to access the API.", status=403)
THROTTLED = _row("APIGW.0308", "The throttling threshold has been reached.", status=429, free=True)
RANGE_INVALID = _row("DLF.3051", "The requested range is outside of the file.", status=416, free=True)
USER_NOT_FOUND = _row("IAM.0004", "Could not find the user.", status=404, free=True)
TOKEN_NOT_FOUND = _row("IAM.0004", "The token is not valid, or no longer.", status=404)
INTERNAL = _row(
    "DLF.9999",
    "An internal error occurred.",
    "Try again; if it stays, look for the X-Request-Id of this reply in the server's log.",
    status=500,
)
UNAVAILABLE = _row("DLF.9998", "The database can't be used now.", "Try again later.", status=503, free=True)

NO_ROOM = _row("DLF.9997", "There is not enough free disk.", "Try again later.", status=503, free=True)

ERROR_CODES: tuple[ErrorCode, ...] = tuple(each for each in list(globals().values()) if isinstance(each, ErrorCode))
"""All of them, for the documentation."""

_OLDER: Mapping[Code, ErrorCode] = {
    Code.PARAMETER_INVALID: PARAMETER_INVALID,
    Code.JOB_NAME_EMPTY: JOB_NAME_EMPTY,
    Code.JOB_NAME_INVALID: JOB_NAME_INVALID,
    Code.JOB_WITHOUT_NODES: JOB_WITHOUT_NODES,
    Code.JOB_TYPE_INVALID: JOB_TYPE_INVALID,
    Code.JOB_NOT_BATCH: ONLY_BATCH,
    Code.JOB_SCHEDULE_INVALID: JOB_SCHEDULE_INVALID,
    Code.JOB_DESCRIPTION_INVALID: JOB_DESCRIPTION_INVALID,
    Code.SCRIPT_TYPE_MISSING: SCRIPT_TYPE_MISSING,
    Code.JOB_NOT_FOUND: JOB_NOT_FOUND,
    Code.JOB_EXISTS: JOB_EXISTS,
    Code.SCRIPT_NOT_FOUND: SCRIPT_NOT_FOUND,
    Code.SCRIPT_EXISTS: SCRIPT_EXISTS,
    Code.INSTANCE_NOT_FOUND: INSTANCE_NOT_FOUND,
    Code.NODE_NOT_FOUND: PARAMETER_INVALID,
    Code.WORKSPACE_NOT_FOUND: WORKSPACE_NOT_FOUND,
    Code.OBJECT_NOT_FOUND: PARAMETER_INVALID,
    Code.OBJECT_EXISTS: PARAMETER_INVALID,
    Code.ILLEGAL_STATE: PARAMETER_INVALID,
    Code.ILLEGAL_TRANSITION: PARAMETER_INVALID,
    Code.UNAUTHENTICATED: UNAUTHENTICATED,
    Code.FORBIDDEN: FORBIDDEN,
    Code.TOO_MANY_REQUESTS: THROTTLED,
    Code.NO_ROOM: NO_ROOM,
    Code.IDEMPOTENCY_CONFLICT: PARAMETER_INVALID,
    Code.STALE_WRITE: VERSION_CHANGED,
    Code.FOLDER_LOCKED: INTERNAL,
    Code.STORE_UNAVAILABLE: UNAVAILABLE,
    Code.SETTING_INVALID: INTERNAL,
    Code.INTERNAL: INTERNAL,
}

NEWER: Mapping[Code, ErrorCode] = {
    **_OLDER,
    Code.JOB_NOT_FOUND: JOB_NOT_FOUND_2,
    Code.INSTANCE_NOT_FOUND: INSTANCE_NOT_FOUND_2,
    Code.WORKSPACE_NOT_FOUND: WORKSPACE_NOT_FOUND_2,
}
"""What the routes below /v2 answer."""


def error_code(code: Code, version: str = "v1") -> ErrorCode:
    """The row that answers one of Arkwright's own codes on a route of that version of the API."""
    return (NEWER if version == "v2" else _OLDER)[code]
