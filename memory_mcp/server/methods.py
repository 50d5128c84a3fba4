"""This module is the table of what a client may ask: each method's parameters, and the function that answers it.

Every transport stands over it. Results are those of revision 2025-11-25 as JSON values; what another revision adds is
the transport's affair.
"""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from memory_mcp.server.desk import Desk
from memory_mcp.server.prompts import get_prompt, list_prompts
from memory_mcp.server.resources import Resources
from memory_mcp.server.tool_calls import ToolCalls

Result = dict[str, Any]


class Page(Struct, frozen=True):
    """Parameters of a listing; ours have one page."""

    cursor: str | None = None


class CallTool(Struct, frozen=True):
    """Parameters of tools/call."""

    name: str
    arguments: dict[str, Any] | None = None


class ReadResource(Struct, frozen=True):
    """Parameters of resources/read."""

    uri: str


class GetPrompt(Struct, frozen=True):
    """Parameters of prompts/get."""

    name: str
    arguments: dict[str, str] | None = None


class Call:
    """One request while it is served: what its function may tell the client before the answer."""

    def __init__(self, notify: Callable[[str, dict[str, Any]], None], progress_token: int | str | None) -> None:
        self._notify = notify
        self._progress_token = progress_token

    def progress(self, done: float, total: float | None = None) -> None:
        """Tell a client that asked for it how far the call has come."""
        if self._progress_token is not None:
            share = {"progress": done} if total is None else {"progress": done, "total": total}
            self._notify("notifications/progress", {"progressToken": self._progress_token, **share})


class Method(Struct, frozen=True):
    """A method: the form of its parameters and its function; one that `blocks` must not run where lines are read."""

    params: type[Struct]
    run: Callable[[Any, Call], Result]
    blocks: bool = False
    is_cacheable: bool = False  # at 2026-07-28 its results say how long they hold


def methods_of(desk: Desk) -> Mapping[str, Method]:
    """Return the methods of a server."""
    tools, resources = ToolCalls(desk), Resources(desk)
    return {
        "tools/list": Method(Page, lambda *_: tools.list(), is_cacheable=True),
        "tools/call": Method(CallTool, lambda given, _: tools.call(given.name, given.arguments), blocks=True),
        "resources/list": Method(Page, lambda *_: resources.list(), blocks=True, is_cacheable=True),
        "resources/templates/list": Method(Page, lambda *_: resources.templates(), is_cacheable=True),
        "resources/read": Method(
            ReadResource, lambda given, _: resources.read(given.uri), blocks=True, is_cacheable=True
        ),
        "prompts/list": Method(Page, lambda *_: {"prompts": list_prompts()}, is_cacheable=True),
        "prompts/get": Method(GetPrompt, lambda given, _: get_prompt(given.name, given.arguments or {})),
    }
