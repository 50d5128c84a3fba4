"""This module remembers conversations: episodes of another kind, made of messages."""

from collections.abc import Sequence

import msgspec

from memory_mcp.clock import Clock
from memory_mcp.episodes.lifecycle import Episodes
from memory_mcp.models import checks, limits
from memory_mcp.models.conversations import Message, Turn
from memory_mcp.models.episodes import Context, Episode, EpisodeFilter, EpisodePage, Source
from memory_mcp.models.receipts import Receipt
from memory_mcp.storage.turn_store import TurnStore

_ANY = EpisodeFilter()
_TITLE_CHARACTERS = 80


class Conversations:
    """The conversations of one project."""

    def __init__(self, store: TurnStore, episodes: Episodes, clock: Clock) -> None:
        self._store = store
        self._episodes = episodes
        self._clock = clock

    def remember(
        self, title: str, messages: Sequence[Message], *, context: Context | None = None, is_global: bool = False
    ) -> tuple[Episode, Receipt]:
        """Keep a conversation; each message is found by itself. Without a title it is called by its beginning.

        Raises:
            InvalidInputError: there is no message, or a text is empty or too long.

        """
        kept = checks.messages(messages)
        conversation = self.draft(title, kept, context=context, is_global=is_global)
        return conversation, self._store.insert(conversation, kept)

    def draft(
        self,
        title: str,
        messages: Sequence[Message],
        *,
        context: Context | None = None,
        is_global: bool = False,
        source: Source | None = None,
    ) -> Episode:
        """Return a conversation that is not stored; it begins with its first message.

        Raises:
            InvalidInputError: there is no message, or a text is empty or too long.

        """
        kept = checks.messages(messages)
        drafted = self._episodes.draft(title.strip() or _beginning(kept), context=context, is_global=is_global)
        times = [message.at for message in messages]
        return msgspec.structs.replace(
            drafted, kind="conversation", started_at=min(times), updated_at=max(times), source=source
        )

    def record(self, conversations: Sequence[tuple[Episode, Sequence[Message]]]) -> Sequence[Receipt]:
        """Store drafted conversations with their messages, in one transaction.

        Raises:
            InvalidInputError: one of them exceeds a limit; then none is stored.

        """
        return self._store.insert_many([(each, checks.messages(messages)) for each, messages in conversations])

    def append(self, conversation_id: str, messages: Sequence[Message]) -> Receipt:
        """Append messages.

        Raises:
            NotFoundError: no such conversation here.
            InvalidInputError: there is no message, or a text is empty or too long.

        """
        return self._store.append(conversation_id, checks.messages(messages))

    def turns(self, conversation_id: str, *, start: int = 0, limit: int = limits.PAGE_ROWS) -> list[Turn]:
        """Return turns of a conversation in their order.

        Raises:
            NotFoundError: no such conversation here.

        """
        return self._store.page(
            conversation_id,
            start=checks.within(start, "the first turn", 0, limits.GREATEST_COUNT),
            limit=checks.page_size(limit),
        )

    def list(self, chosen: EpisodeFilter = _ANY, *, limit: int = 20, cursor: str | None = None) -> EpisodePage:
        """Return one page of conversations, newest first."""
        return self._episodes.list(chosen, kind="conversation", limit=limit, cursor=cursor)


def _beginning(messages: Sequence[Message]) -> str:
    """Return the first words that were said."""
    said = next((line for each in messages for line in each.text.splitlines() if line.strip()), "").strip()
    return said if len(said) <= _TITLE_CHARACTERS else f"{said[: _TITLE_CHARACTERS - 1]}…"
