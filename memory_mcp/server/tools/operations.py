"""This module holds the tools that say how the memory is."""

from memory_mcp.monitoring import health
from memory_mcp.server import arguments
from memory_mcp.server.answers import Rendered
from memory_mcp.server.desk import Desk


def health_check(desk: Desk, _: arguments.Nothing) -> Rendered:
    """Say how every part is."""
    memory = desk.memory
    found = health.check(memory.store, lambda: memory.providers)
    checks = [{name: getattr(each, name) for name in each.__struct_fields__} for each in found.checks]
    return {"status": found.status, "project": memory.project, "checks": checks}


def get_metrics(desk: Desk, _: arguments.Nothing) -> Rendered:
    """Say what was counted."""
    return desk.metrics_report()
