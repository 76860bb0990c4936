"""Run now, start and stop below the newer API's path: extensions, for clients that know that host alone.

Rules: the same handlers as in the older API, with the newer error codes.
"""

from __future__ import annotations

from arkwright.api.route import Route, text
from arkwright.api.v1 import documents, run_immediate, schedule
from arkwright.api.v1.instances import IDEMPOTENCY_KEY
from arkwright.api.v2.paths import route
from arkwright.errors import Code
from arkwright.iam.model import Action

ROUTES: tuple[Route, ...] = (
    route(
        "POST",
        "/jobs/{job_name}/run-immediate",
        run_immediate.run_immediate,
        "runFactoryJob",
        "Run the submitted version of a job now.",
        Action.JOB_OPERATE,
        text("job_path", "Directory of the job; refused if the job is in another one.", example="/layer1/layer2"),
        text("wait", "Hold the reply until the instance has ended, at most so many seconds.", example="30"),
        IDEMPOTENCY_KEY,
        request=documents.Run,
        request_required=False,
        response=documents.RunAnswer,
        errors=(Code.JOB_NOT_FOUND, Code.SCRIPT_NOT_FOUND, Code.IDEMPOTENCY_CONFLICT),
        example={"jobParams": [{"name": "aaa", "value": "111", "paramType": "variable"}]},
        answer={"instanceId": 132343},
        ours=True,
    ),
    route(
        "POST",
        "/jobs/{job_name}/start",
        schedule.start_job,
        "startFactoryJob",
        "Start the schedule of a job.",
        Action.JOB_OPERATE,
        request=documents.Start,
        request_required=False,
        success=204,
        errors=schedule.START_ERRORS,
        example=schedule.START_EXAMPLE,
        ours=True,
    ),
    route(
        "POST",
        "/jobs/{job_name}/stop",
        schedule.stop_job,
        "stopFactoryJob",
        "Stop the schedule of a job. Its instances go on.",
        Action.JOB_OPERATE,
        success=204,
        errors=(Code.JOB_NOT_FOUND,),
        ours=True,
    ),
)
