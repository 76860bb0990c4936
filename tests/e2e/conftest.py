from tests.servers.kafka import kafka_broker  # noqa: F401
from tests.servers.postgres import postgres_address, postgres_ready, postgres_server  # noqa: F401
