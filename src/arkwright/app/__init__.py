"""The one place that wires the parts together: settings in, a running server out."""

from arkwright.app.data_folder import data_folder
from arkwright.app.process import serve
from arkwright.app.server import Server
from arkwright.errors import ArkwrightError

__all__ = ["ArkwrightError", "Server", "data_folder", "serve"]
