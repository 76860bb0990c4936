from tests.servers.database import databases_go  # noqa: F401
from tests.servers.postgres import postgres_ready  # noqa: F401
