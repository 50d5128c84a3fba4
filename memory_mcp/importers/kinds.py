"""This module lists what can be imported: each kind's name, reader and files."""

from msgspec import Struct

from memory_mcp.importers import (
    basic_memory,
    claude_code,
    codex,
    json_lines,
    mem0,
    memory_tables,
    mini_swe_agent,
    opencode,
    server_memory,
    slack,
    swe_agent,
)
from memory_mcp.importers.mini_trajectories import KIND as MINI_SWE_AGENT
from memory_mcp.importers.records import Reader


class Kind(Struct, frozen=True):
    """What can be imported: its name, its reader, and the files that it reads."""

    name: str
    read: Reader
    suffixes: tuple[str, ...]


KINDS = {
    kind.name: kind
    for kind in (
        Kind(claude_code.KIND, claude_code.read, claude_code.SUFFIXES),
        Kind(opencode.KIND, opencode.read, opencode.SUFFIXES),
        Kind(codex.KIND, codex.read, codex.SUFFIXES),
        Kind(swe_agent.KIND, swe_agent.read, swe_agent.SUFFIXES),
        Kind(MINI_SWE_AGENT, mini_swe_agent.read, mini_swe_agent.SUFFIXES),
        Kind(server_memory.KIND, server_memory.read, server_memory.SUFFIXES),
        Kind(memory_tables.MEMORY_SERVICE, memory_tables.read_memory_service, memory_tables.SUFFIXES),
        Kind(memory_tables.CLAUDE_MEM, memory_tables.read_claude_mem, memory_tables.SUFFIXES),
        Kind(basic_memory.KIND, basic_memory.read, basic_memory.SUFFIXES),
        Kind(mem0.KIND, mem0.read, mem0.SUFFIXES),
        Kind(slack.KIND, slack.read, slack.SUFFIXES),
        Kind(json_lines.KIND, json_lines.read, json_lines.SUFFIXES),
    )
}
