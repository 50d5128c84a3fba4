"""This module describes the offered tools to a client and runs them."""

import logging
import time
from collections.abc import Iterable
from typing import Any

import msgspec

from memory_mcp.errors import IndexMendedError, MemoryMcpError, StoreGoneError
from memory_mcp.server.arguments import Arguments
from memory_mcp.server.desk import Desk
from memory_mcp.server.protocol_errors import INVALID_PARAMS, ProtocolError
from memory_mcp.server.schemas import input_schema, parse
from memory_mcp.server.short_ids import as_given, ids_in, with_full_ids, with_short_ids
from memory_mcp.server.tools.catalogue import TOOLS, Tool, offered
from memory_mcp.visible import visible, visible_line, visible_values

logger = logging.getLogger(__name__)


def described(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """Describe tools to a client."""
    return [
        {
            "name": tool.name,
            "title": tool.title,
            "description": tool.description,
            "inputSchema": input_schema(tool.arguments),
            "annotations": {"readOnlyHint": True} if tool.reads_only else {"destructiveHint": tool.destroys},
        }
        for tool in tools
    ]


class ToolCalls:
    """The tools that one server offers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._offered = offered(desk.memory.settings.server.toolsets)
        self._described = described(self._offered.values())

    def list(self) -> dict[str, Any]:
        """Describe the offered tools."""
        self._desk.nudge()  # the client has its first answer; load what the first search will need
        return {"tools": self._described}

    def call(self, name: str, given: dict[str, Any] | None) -> dict[str, Any]:
        """Run a tool and count it; what was foreseen becomes a tool error of one sentence.

        Raises:
            ProtocolError: no such tool is offered.

        """
        tool = self._offered.get(name)
        if tool is None:
            hint = f"it comes with --toolsets {TOOLS[name].toolset}; " if name in TOOLS else ""
            known = ", ".join(self._offered)
            raise ProtocolError(INVALID_PARAMS, f"no tool {visible_line(name)}; {hint}there are {known}")
        started = time.perf_counter()
        failed = True
        try:
            answer = self._answer(tool, parse(tool.arguments, given))
            failed = False
        except StoreGoneError as error:
            self._desk.tell_gone()
            return _tool_error(str(error))
        except MemoryMcpError as error:
            return _tool_error(str(error))
        except Exception:
            logger.exception("%s failed", tool.name)
            return _tool_error(f"{tool.name} failed inside memory-mcp; its log (stderr) has the cause")
        finally:
            self._desk.metrics.record(tool.name, time.perf_counter() - started, failed=failed)
            self._desk.nudge()
        encoded = msgspec.json.encode(answer)
        told = encoded.decode()
        self._desk.book(tool.name, told, ids_in(answer))
        return {
            "content": [{"type": "text", "text": told}],
            "structuredContent": msgspec.Raw(encoded),
            "isError": False,
        }

    def _answer(self, tool: Tool, given: Arguments) -> dict[str, Any]:
        """Run a tool, once more if that mended a damaged index."""
        self._desk.prepare()
        try:
            return self._run(tool, given)
        except IndexMendedError:  # nothing was kept, and a second try works now
            return self._run(tool, given)

    def _run(self, tool: Tool, given: Arguments) -> dict[str, Any]:
        """Run a tool on whole ids, and answer with short ones."""
        ids = self._desk.memory.store.ids
        whole = with_full_ids(given, ids)
        answer = tool.run(self._desk, whole)
        shown: dict[str, Any] = visible_values(with_short_ids(answer, ids, as_given(given, whole)))
        return shown


def _tool_error(sentence: str) -> dict[str, Any]:
    """Answer an anticipated failure; both halves are complete, since each client shows only one."""
    sentence = visible(sentence)
    return {
        "content": [{"type": "text", "text": sentence}],
        "structuredContent": {"error": sentence},
        "isError": True,
    }
