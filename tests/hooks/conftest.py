"""This module lends the hooks' tests a server."""

from tests.server.conftest import raw

__all__ = ["raw"]
