"""This module quotes what is not the user's word, and holds back what gives an agent orders."""

from memory_mcp.models.addressing import speaks_to_agents

_MARKS = str.maketrans({"“": '"', "”": '"'})


_TICKS = str.maketrans("`", "'")


def quoted(text: str) -> str:
    """Return a text between quotation marks, which none of its own can end."""
    return f"“{text.translate(_MARKS)}”"


def as_code(command: str) -> str:
    """Return a command between backticks, which none of its own can end."""
    return f"`{command.translate(_TICKS)}`"


def is_harmless(*texts: str) -> bool:
    """Whether none of some texts, which tools or strangers wrote, gives an agent orders."""
    return not any(speaks_to_agents(text) for text in texts)
