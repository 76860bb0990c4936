"""A typed client of Arkwright's public API; the command line uses it too.

    from arkwright.client import AccessKey, Client, instances, jobs

    with Client("http://127.0.0.1:8990", project_id=…, credential=AccessKey(…, …)) as client:
        run = client.send(jobs.run("myJob", parameters={"aaa": "111"}))
        for state in client.watch(instances.events("myJob", run.instance_id)):
            print(state["status"])

`AsyncClient` is the same, awaited. It knows the public API only and nothing of the server.
"""

from arkwright.client import audit, expressions, instances, jobs, patches, schedules, scheduling, scripts, users
from arkwright.client.calls import Call, Document, InstanceRecord, JobRecord, NodeRecord, Page, Watch
from arkwright.client.errors import AnswerUnusable, ApiError, ClientError, NotReachable
from arkwright.client.signing import AccessKey, Credential, Password
from arkwright.client.transport import AsyncClient, Client, Repeats

__all__ = [
    "AccessKey",
    "AnswerUnusable",
    "ApiError",
    "AsyncClient",
    "Call",
    "Client",
    "ClientError",
    "Credential",
    "Document",
    "InstanceRecord",
    "JobRecord",
    "NodeRecord",
    "NotReachable",
    "Page",
    "Password",
    "Repeats",
    "Watch",
    "audit",
    "expressions",
    "instances",
    "jobs",
    "patches",
    "schedules",
    "scheduling",
    "scripts",
    "users",
]
