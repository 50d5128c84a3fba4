"""This module gives branches layers of their own, and folds them in when they are merged."""

from collections.abc import Sequence

from memory_mcp.errors import InvalidInputError
from memory_mcp.storage import layers
from memory_mcp.storage.layers import Layer
from memory_mcp.storage.store import Store
from memory_mcp.worktrees.trees import WorkTree


class Layers:
    """The layers of one project, seen from its base or from one of them."""

    def __init__(self, store: Store, tree: WorkTree | None) -> None:
        self._store = store
        self._tree = tree
        wall = store.wall
        self._key = wall.base_key if wall.base_key is not None else wall.project_key
        self._base = wall.base or wall.project

    def list(self) -> Sequence[Layer]:
        """Return the layers."""
        with self._store.database.read() as session:
            return layers.list_layers(session, self._key)

    def begin(self, branch: str = "") -> Layer:
        """Give a branch, or the one that is checked out, a layer: what is recorded on it goes there from now on.

        Raises:
            InvalidInputError: no branch is given and none is checked out.
            IllegalMoveError: it has one.

        """
        chosen = branch or (self._tree.branch if self._tree else None)
        if not chosen:
            raise InvalidInputError("no branch is checked out here; name one")
        layer = Layer(chosen, self._tree.tip(chosen) if self._tree else "", 0)
        with self._store.database.write() as session:
            layers.begin(session, self._key, self._base, layer, self._store.clock)
        return layer

    def fold(self, branch: str) -> int:
        """Move a layer's records into the project and return how many.

        Raises:
            NotFoundError: the branch has no layer.

        """
        with self._store.database.write() as session:
            return layers.fold(session, self._store.writer, self._key, self._base, branch)

    def fold_merged(self) -> dict[str, int]:
        """Fold in every layer whose branch is merged into what is checked out; return their records by branch."""
        if self._store.wall.base_key is not None:
            return {}  # merged into another branch's layer is not merged into the project
        found = self.list()
        merged = [each.branch for each in found if self.is_merged(each)]
        folded = {branch: self.fold(branch) for branch in merged}
        if self._store.has_ended_layers(self._key):
            with self._store.database.write() as session:
                layers.fold_late(session, self._key)
        return folded

    def is_merged(self, layer: Layer) -> bool | None:
        """Whether a layer's branch is merged into what is checked out; None where nobody can tell."""
        from memory_mcp.worktrees.merging import is_merged  # noqa: PLC0415 - subprocess, 5 ms that a hook need not pay

        return is_merged(self._tree, layer.branch, layer.begun_at_commit) if self._tree else None

    def drop(self, branch: str) -> int:
        """Erase a layer with its records and return how many there were.

        Raises:
            NotFoundError: the branch has no layer.

        """
        with self._store.database.write() as session:
            return layers.drop(session, self._store.writer, self._key, self._base, branch)
