from tests.servers.postgres import postgres_address, postgres_database, postgres_server  # noqa: F401
