"""This module lets clients read episodes and the memory's health as resources."""

from typing import Any

import msgspec

from memory_mcp.errors import InvalidInputError, MemoryMcpError, NotFoundError
from memory_mcp.server.answers import episode_of
from memory_mcp.server.arguments import Nothing
from memory_mcp.server.desk import Desk
from memory_mcp.server.protocol_errors import INTERNAL_ERROR, INVALID_PARAMS, ProtocolError
from memory_mcp.server.tools.operations import health_check
from memory_mcp.visible import visible_json, visible_line

_EPISODE_URI = "memory://episodes/"
_HEALTH_URI = "memory://health"
_RECENT = 20
_JSON = {"mimeType": "application/json"}


class Resources:
    """What can be read of one memory by its address."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def list(self) -> dict[str, Any]:
        """List the health and the newest episodes.

        Raises:
            ProtocolError: the store cannot be read.

        """
        try:
            self._desk.prepare()
            page = self._desk.memory.episodes.list(limit=_RECENT)
        except MemoryMcpError as error:
            raise ProtocolError(INTERNAL_ERROR, visible_line(str(error))) from error
        health = {"uri": _HEALTH_URI, "name": "health", "title": "Health of the memory", **_JSON}
        by = self._desk.memory.trust.labels(row.id for row in page.episodes)
        recent = [
            {
                "uri": f"{_EPISODE_URI}{row.id}",
                "name": f"episode {row.id}",
                "title": visible_line(f"{f'({by[row.id]})' if row.id in by else ''} {_beginning(row.task)}".strip()),
                **_JSON,
            }
            for row in page.episodes
        ]
        return {"resources": [health, *recent]}

    @staticmethod
    def templates() -> dict[str, Any]:
        """Say how the address of an episode is made."""
        template = {"uriTemplate": f"{_EPISODE_URI}{{id}}", "name": "episode", "title": "One episode", **_JSON}
        return {"resourceTemplates": [template]}

    def read(self, uri: str) -> dict[str, Any]:
        """Read a resource.

        Raises:
            ProtocolError: there is no such resource, or the store cannot be read.

        """
        try:
            self._desk.prepare()
            found = self._found(uri)
        except (NotFoundError, InvalidInputError) as error:
            raise ProtocolError(INVALID_PARAMS, visible_line(str(error)), {"uri": uri}) from error
        except MemoryMcpError as error:
            raise ProtocolError(INTERNAL_ERROR, visible_line(str(error))) from error
        return {"contents": [{"uri": uri, **_JSON, "text": visible_json(msgspec.json.encode(found).decode())}]}

    def _found(self, uri: str) -> dict[str, Any]:
        if uri == _HEALTH_URI:
            return health_check(self._desk, Nothing())
        if not uri.startswith(_EPISODE_URI):
            raise NotFoundError(f"no resource {uri}; there are {_HEALTH_URI} and {_EPISODE_URI}ID")
        memory = self._desk.memory
        episode = memory.episodes.get(memory.store.ids.full(uri.removeprefix(_EPISODE_URI)))
        return episode_of(episode, timeline=False, fields=(), start=1, full=True)


def _beginning(task: str) -> str:
    return " ".join(task.split())[:100]
