from tests.servers.database import address, databases_go  # noqa: F401
from tests.servers.postgres import postgres_address, postgres_ready, postgres_server  # noqa: F401
