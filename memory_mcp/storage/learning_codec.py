"""This module turns what is learnt into text and back: identities and details of patterns, surveys of episodes."""

import msgspec

from memory_mcp.errors import DamagedError
from memory_mcp.models.patterns import Definition, Detail
from memory_mcp.models.surveys import Survey
from memory_mcp.storage import checksums

_ENCODER = msgspec.json.Encoder()
_DEFINITION = msgspec.json.Decoder(Definition)
_DETAIL = msgspec.json.Decoder(Detail)
_SURVEY = msgspec.json.Decoder(Survey)


def identity(definition: Definition) -> str:
    """Return the text that two sightings of one pattern share."""
    return _ENCODER.encode(definition).decode()


def load_identity(text: str, stored: int) -> Definition:
    """Read a pattern's definition from its identity.

    Raises:
        DamagedError: it does not hold what was written.

    """
    if not checksums.IDENTITY.match(stored, {"identity": text}):
        raise DamagedError(f"the identity of a pattern does not match its checksum: {text[:80]}")
    definition: Definition = _DEFINITION.decode(text)
    return definition


def load_detail(text: str) -> Detail:
    """Read what one episode says about a pattern."""
    detail: Detail = _DETAIL.decode(text)
    return detail


def load_survey(text: str) -> Survey:
    """Load a survey; one that does not decode shows nothing, and learning again makes it anew."""
    try:
        return _SURVEY.decode(text)
    except msgspec.MsgspecError:
        return Survey()


def identity_checksum(text: str) -> int:
    """Return the checksum of a pattern's identity."""
    return checksums.IDENTITY.checksum({"identity": text})
