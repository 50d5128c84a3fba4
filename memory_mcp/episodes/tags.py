"""This module changes tags across episodes and notes."""

from collections.abc import Iterable, Sequence

from memory_mcp.errors import InvalidInputError
from memory_mcp.models import checks
from memory_mcp.models.receipts import Receipt
from memory_mcp.storage.tag_store import TagStore


class Tags:
    """The tags of one project."""

    def __init__(self, store: TagStore) -> None:
        self._store = store

    def change(
        self, document_id: str, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> tuple[tuple[str, ...], Receipt]:
        """Add and remove tags of an episode or note; return those it has then.

        Raises:
            NotFoundError: no such record here.
            InvalidInputError: no tag is given, or one is blank or too long.

        """
        added, removed = checks.tags(add), checks.tags(remove)
        if not added and not removed:
            raise InvalidInputError("no tags given; name at least one to add or remove")
        return self._store.change(document_id, added, removed)

    def rename(self, old: str, new: str) -> int:
        """Rename a tag on every record of this project and return how many had it.

        Raises:
            NotFoundError: nothing has it.

        """
        (wanted,) = checks.tags([new])
        return self._store.rename(old.strip(), wanted)

    def list(self) -> Sequence[tuple[str, int]]:
        """Return every tag with the number of its records, the most used first."""
        return self._store.list()
