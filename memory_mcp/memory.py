"""This module is the one door: Memory(...) with its parts as attributes."""

import threading
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from memory_mcp.clock import Clock, SystemClock
from memory_mcp.config.layers import Resolved, resolve
from memory_mcp.config.places import Places, hook_directory, places
from memory_mcp.config.projects import Claim, claim_of
from memory_mcp.config.settings import Settings
from memory_mcp.episodes.joining import Joining
from memory_mcp.episodes.lifecycle import Episodes
from memory_mcp.redaction.redactor import Redactor
from memory_mcp.storage.store import Store
from memory_mcp.worktrees.trees import find_work_tree

if TYPE_CHECKING:
    from memory_mcp.embeddings.provider import Provider
    from memory_mcp.episodes.conversations import Conversations
    from memory_mcp.episodes.handoffs import Handoffs
    from memory_mcp.episodes.layers import Layers
    from memory_mcp.episodes.projects import Projects
    from memory_mcp.episodes.relationships import Relationships
    from memory_mcp.episodes.tags import Tags
    from memory_mcp.facts.project_facts import ProjectFacts
    from memory_mcp.learning.advice import Advice
    from memory_mcp.learning.learner import Learning
    from memory_mcp.notes.notebook import Notes
    from memory_mcp.patterns.recommending import Recommender
    from memory_mcp.retrieval.indexing import Index
    from memory_mcp.retrieval.search import Recall
    from memory_mcp.retrieval.similarity import Similarity
    from memory_mcp.telling.decisions import Decisions
    from memory_mcp.telling.ledger import Ledger
    from memory_mcp.telling.trusting import Trust


class Memory:
    """One project's memory, open; a context manager that closes its file. `directory` is where its work is done.

    What a hook does not need when a tool was used, which is its most frequent event, is imported when first used.
    """

    def __init__(
        self,
        settings: Settings,
        where: Places,
        project: str | Claim,
        *,
        actor: str,
        clock: Clock | None = None,
        asks_git: bool = True,
    ) -> None:
        """Open the memory of a project, given by its name or by a claim.

        Raises:
            StoreError: the file cannot be used.
            UnseenDirectoryError: only git can tell the project, and `asks_git` is not set.

        """
        self.settings = settings
        self.places = where
        self.clock: Clock = clock or SystemClock()
        self._claim = project
        claim = project if isinstance(project, Claim) else None
        self.directory = claim.directory if claim else Path.cwd()
        self.tree = find_work_tree(self.directory) if claim else None
        self.root = str(self.tree.root) if self.tree else ""
        redactor = Redactor(settings.redaction.emails)
        self.joining = Joining(claim, self.clock, redactor, asks_git=asks_git) if claim else None
        self.store = Store.open(
            where.store,
            self.joining or str(project),
            settings,
            clock=self.clock,
            actor=actor,
            cache=where.cache / "hot",
            branch=self.tree.branch if self.tree else None,
        )
        self.project = self.store.wall.base or self.store.wall.project
        self._opening = threading.RLock()  # threads of a server share each part
        self._providers: list[Provider] | None = None
        self._index: Index | None = None
        self._recall: Recall | None = None
        self._similarity: Similarity | None = None
        self._learning: Learning | None = None
        self._recommender: Recommender | None = None
        self._advice: Advice | None = None
        self.episodes = Episodes(self.store.episodes, self.clock, self.project)

    @classmethod
    def open(
        cls,
        environ: Mapping[str, str],
        directory: Path,
        *,
        actor: str,
        resolved: Resolved | None = None,
    ) -> "Memory":
        """Open the memory that a process in `directory` should use.

        Raises:
            ConfigError: the settings do not fit.
            StoreError: the file cannot be used.

        """
        found = resolved or resolve(environ, directory)
        where = places(found.settings, settings_file=found.path)
        return cls(found.settings, where, claim_of(found, environ, directory), actor=actor)

    @property
    def has_changed(self) -> bool:
        """Whether git should look at the directory again, since its configuration has changed."""
        return self.joining is not None and self.joining.has_changed

    @cached_property
    def notes(self) -> "Notes":
        """The notes."""
        from memory_mcp.notes.notebook import Notes  # noqa: PLC0415 - as the class says

        return Notes(self.store.notes, self.clock, self.project)

    @cached_property
    def decisions(self) -> "Decisions":
        """What was decided."""
        from memory_mcp.telling.decisions import Decisions  # noqa: PLC0415 - as the class says

        return Decisions(self.store, self.notes, self.clock)

    @cached_property
    def conversations(self) -> "Conversations":
        """The conversations."""
        from memory_mcp.episodes.conversations import Conversations  # noqa: PLC0415 - as the class says

        return Conversations(self.store.turns, self.episodes, self.clock)

    @cached_property
    def relationships(self) -> "Relationships":
        """How episodes relate."""
        from memory_mcp.episodes.relationships import Relationships  # noqa: PLC0415 - as the class says

        return Relationships(self.store.relationships)

    @cached_property
    def tags(self) -> "Tags":
        """The tags."""
        from memory_mcp.episodes.tags import Tags  # noqa: PLC0415 - as the class says

        return Tags(self.store.tags)

    @cached_property
    def layers(self) -> "Layers":
        """The layers of branches."""
        from memory_mcp.episodes.layers import Layers  # noqa: PLC0415 - as the class says

        return Layers(self.store, self.tree)

    @cached_property
    def handoffs(self) -> "Handoffs":
        """The handoffs."""
        from memory_mcp.episodes.handoffs import Handoffs  # noqa: PLC0415 - as the class says

        return Handoffs(self.store.handoffs, self.episodes, self.relationships, self.clock)

    @property
    def projects(self) -> "Projects":
        """The service that lists projects and corrects what they own."""
        from memory_mcp.episodes.projects import Projects  # noqa: PLC0415 - most hooks do not need it

        return Projects(self.store, self.joining)

    @property
    def providers(self) -> "list[Provider]":
        """The embedding providers, the wanted one first.

        Raises:
            ConfigError: the one asked for is not installed.

        """
        from memory_mcp.embeddings.choice import choose  # noqa: PLC0415 - numpy

        with self._opening:
            if self._providers is None:
                self._providers = choose(self.settings.embeddings, self.places.models)
            return self._providers

    @property
    def index(self) -> "Index":
        """What keeps the keyword index and the vectors up to date."""
        from memory_mcp.retrieval.indexing import Index  # noqa: PLC0415 - numpy

        with self._opening:
            if self._index is None:
                self._index = Index(self.store, self.providers, self.settings.recall)
            return self._index

    @property
    def recall(self) -> "Recall":
        """What answers questions."""
        from memory_mcp.retrieval.search import Recall  # noqa: PLC0415 - a listing needs nothing of it

        with self._opening:
            if self._recall is None:
                self._recall = Recall(self.store, self.index.keywords, self.settings.recall, self.similarity, self.tree)
            return self._recall

    @property
    def similarity(self) -> "Similarity":
        """What compares by vectors."""
        from memory_mcp.retrieval.similarity import Similarity  # noqa: PLC0415 - numpy

        with self._opening:
            if self._similarity is None:
                self._similarity = Similarity(self.store, self.index, self.settings.recall)
            return self._similarity

    @property
    def learning(self) -> "Learning":
        """What learns from episodes."""
        from memory_mcp.learning.learner import Learning  # noqa: PLC0415 - a listing needs nothing of it

        with self._opening:
            if self._learning is None:
                self._learning = Learning(self.store, self.episodes, self.settings.learning, self.tree, self.directory)
            return self._learning

    @property
    def facts(self) -> "ProjectFacts":
        """What the episodes show about the project."""
        from memory_mcp.facts.project_facts import ProjectFacts  # noqa: PLC0415 - a listing needs nothing of it

        return ProjectFacts(self.store, self.tree)

    @cached_property
    def trust(self) -> "Trust":
        """What decides which records may be told without being asked for."""
        from memory_mcp.telling.trusting import Trust  # noqa: PLC0415 - a listing needs nothing of it

        return Trust(self.store)

    @cached_property
    def ledger(self) -> "Ledger":
        """What accounts for every text that was told."""
        from memory_mcp.telling.ledger import Ledger  # noqa: PLC0415 - as the class says

        return Ledger(self.store, self.clock, hook_directory(self.places))

    @property
    def recommender(self) -> "Recommender":
        """What ranks patterns for a task."""
        from memory_mcp.patterns.recommending import Recommender  # noqa: PLC0415 - numpy

        with self._opening:
            if self._recommender is None:
                self._recommender = Recommender(self.store.patterns, self.recall, self.settings.learning, self.clock)
            return self._recommender

    @property
    def advice(self) -> "Advice":
        """What recommends, and takes feedback."""
        from memory_mcp.learning.advice import Advice  # noqa: PLC0415 - numpy

        with self._opening:
            if self._advice is None:
                self._advice = Advice(self.store, self.recall, self.recommender, self.facts, self.settings.learning)
            return self._advice

    def find_similarity(self) -> "Similarity | None":
        """Return `similarity` if anything has been asked yet."""
        return self._similarity

    def reopened(self) -> "Memory":
        """Close a store that is gone, and open the one in its place, or a new one.

        Raises:
            StoreError: no usable store is there; the call may be repeated.

        """
        self.store.database.guard.check_reopening()
        self.close()
        return Memory(
            self.settings,
            self.places,
            self._claim,
            actor=self.store.writer.actor,
            clock=self.clock,
        )

    def close(self) -> None:
        """Close the file."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def project_of(resolved: Resolved, claim: Claim) -> str:
    """Return the name of the project that a claim leads to, or that a new one would get; nothing is written.

    Raises:
        StoreError: the file cannot be used.

    """
    where = places(resolved.settings, settings_file=resolved.path)
    joining = Joining(claim, SystemClock(), Redactor(resolved.settings.redaction.emails))
    return joining.look(where.store, resolved.settings.store)
