"""Runs that are started by what happens: Kafka messages, new objects, webhooks; and by a real-time job's nodes.

`triggers` is what the rest of the server talks to. It holds a `Runner` per trigger that this server looks after; a
runner listens through a `Source` (one file each) and starts runs through the engine. What has been taken is kept by
the store (`store/trigger_record.py` has the theory of operation).
"""
