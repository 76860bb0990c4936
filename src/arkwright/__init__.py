"""Arkwright: an open, self-hosted implementation of the DataArts Factory API."""

__version__ = "0.1.0"
