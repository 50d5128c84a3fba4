"""This module hands an unfinished episode from one session to another, in this store or as a file."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from memory_mcp.clock import Clock
from memory_mcp.episodes.lifecycle import Episodes
from memory_mcp.episodes.relationships import Relationships
from memory_mcp.errors import ConflictError, DamagedError, InvalidInputError, NotFoundError
from memory_mcp.models import checks, limits
from memory_mcp.models.choices import complaint
from memory_mcp.models.episodes import Episode, Source
from memory_mcp.models.handoffs import Handoff, HandoffSummary
from memory_mcp.models.receipts import Receipt
from memory_mcp.models.relationships import Relationship
from memory_mcp.redaction.redactor import Redactor
from memory_mcp.storage.handoff_store import HandoffStore
from memory_mcp.visible import visible_json

_FORMAT = "memory-mcp handoff 1"
_KIND = "handoff"
_MOST_NEXT = 20


class Packed(Struct, frozen=True):
    """A handoff as a file: the checksum is SHA-256 over the handoff's own JSON."""

    format: str
    sha256: str
    handoff: msgspec.Raw


class Handoffs:
    """The handoffs of one project."""

    def __init__(self, store: HandoffStore, episodes: Episodes, relationships: Relationships, clock: Clock) -> None:
        self._store = store
        self._episodes = episodes
        self._relationships = relationships
        self._clock = clock

    def checkpoint(self, episode_id: str, *, note: str = "", next_steps: Sequence[str] = ()) -> Handoff:
        """Keep where an episode stands, for whoever takes it up; the episode itself goes on as it was.

        Raises:
            NotFoundError: no such episode here.
            InvalidInputError: the note or a next step is too long.

        """
        note, steps = _checked(note, next_steps)
        made = Handoff(self._clock.new_id(), self._clock.now(), self._episodes.get(episode_id), note, steps)
        self._store.insert(made, episode_id)
        return made

    def get(self, handoff_id: str) -> Handoff:
        """Return a handoff by its id, or the newest one of an episode by the episode's.

        Raises:
            NotFoundError: no such handoff here.

        """
        return self._store.get(handoff_id)

    def list(self, limit: int = 20) -> Sequence[HandoffSummary]:
        """Return the newest handoffs."""
        return self._store.list(checks.page_size(limit))

    def resume(self, handoff_id: str) -> tuple[Episode, Handoff, Receipt]:
        """Start the episode that goes on where a handoff stopped; it follows the one before.

        Raises:
            NotFoundError: no such handoff here.

        """
        handoff = self.get(handoff_id)
        before = handoff.episode
        episode, receipt = self._episodes.start(
            before.task, task_type=before.task_type, context=before.context, is_global=before.is_global
        )
        self._relationships.add([Relationship("follows", episode.id, before.id)])
        return episode, handoff, receipt

    def take_in(self, packed: bytes) -> Handoff:
        """Store a handoff that came as a file, with its episode; a second time changes nothing.

        Raises:
            DamagedError: the file is not what was exported.
            InvalidInputError: it is no handoff.

        """
        handoff, digest = unpack(packed)
        checks.identity(handoff.id, "the handoff's id")
        checks.identity(handoff.episode.id, "the episode's id")
        checks.moment(handoff.made_at, "made_at")
        known = self._episodes.sources(_KIND).get(digest)
        if known:
            return self._store.get(known)
        try:
            episode_id = self._episodes.get(handoff.episode.id).id
        except NotFoundError:
            from memory_mcp.models.soundness import tamed  # noqa: PLC0415 - no hook needs it

            steps = tamed(handoff.episode.steps)
            episode_id = self._bring(
                msgspec.structs.replace(handoff.episode, steps=steps, source=Source(_KIND, digest))
            )
        try:
            return self._store.get(handoff.id)
        except NotFoundError:
            return self._store.get(self._keep(handoff, episode_id))

    def _keep(self, handoff: Handoff, episode_id: str) -> str:
        """Store a handoff under its own id, or a new one where another project of this file has it."""
        note, next_steps = _checked(handoff.note, handoff.next_steps)
        handoff = msgspec.structs.replace(handoff, note=note, next_steps=next_steps)
        try:
            self._store.insert(handoff, episode_id)
        except ConflictError:
            handoff = msgspec.structs.replace(handoff, id=self._clock.new_id())
            self._store.insert(handoff, episode_id)
        return handoff.id

    def _bring(self, episode: Episode) -> str:
        """Record an episode under its own id, or a new one where another project of this file has it."""
        try:
            return self._episodes.record([episode])[0].id
        except ConflictError:
            return self._episodes.record([msgspec.structs.replace(episode, id="")])[0].id


def _checked(note: str, next_steps: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    if len(next_steps) > _MOST_NEXT:
        raise InvalidInputError(f"{len(next_steps)} next steps given and {_MOST_NEXT} are kept; name the next ones")
    steps = tuple(checks.text(each, "a next step", limits.NOTE_CHARACTERS) for each in next_steps)
    return checks.text(note, "the note", limits.NOTE_CHARACTERS), steps


def pack(handoff: Handoff) -> bytes:
    """Make the file of a handoff: one JSON object that may be printed, secrets replaced, with a checksum."""
    body = visible_json(msgspec.json.encode(Redactor().clean(handoff)).decode()).encode()
    return msgspec.json.encode(Packed(_FORMAT, _digest(body), msgspec.Raw(body))) + b"\n"


def unpack(packed: bytes) -> tuple[Handoff, str]:
    """Read the file of a handoff and return it with its checksum.

    Raises:
        DamagedError: the checksum does not fit.
        InvalidInputError: it is no handoff of ours.

    """
    try:
        outer = msgspec.json.decode(packed, type=Packed)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInputError(f"this is no handoff: {error}; 'memory-cli handoff export' writes one") from error
    if outer.format != _FORMAT:
        raise InvalidInputError(f"this handoff says '{outer.format}' and only '{_FORMAT}' can be read")
    body = bytes(outer.handoff)
    digest = _digest(body)
    if digest != outer.sha256:
        raise DamagedError("this handoff does not match its checksum; export it again")
    try:
        return msgspec.json.decode(body, type=Handoff), digest
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInputError(f"this is no handoff: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return complaint(error, Handoff) if isinstance(error, msgspec.MsgspecError) else str(error)


def _digest(body: bytes) -> str:
    import hashlib  # noqa: PLC0415 - 4 ms that a hook need not pay

    return hashlib.sha256(body).hexdigest()
