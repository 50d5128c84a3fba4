"""This module opens the store for one project."""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from msgspec import Struct

from memory_mcp.clock import Clock
from memory_mcp.config.settings import Settings
from memory_mcp.errors import DamagedError, IndexDamagedError
from memory_mcp.models.episodes import Episode
from memory_mcp.redaction.redactor import Redactor
from memory_mcp.storage import documents, layers, leftovers, project_store
from memory_mcp.storage.cache import Cache
from memory_mcp.storage.connecting import engine_version
from memory_mcp.storage.database import Database, Session
from memory_mcp.storage.documents import Writer
from memory_mcp.storage.episode_store import EpisodeStore
from memory_mcp.storage.hot_episodes import HotEpisodes
from memory_mcp.storage.migrations import migrate
from memory_mcp.storage.session_store import SessionStore

if TYPE_CHECKING:
    from memory_mcp.models.patterns import Pattern
    from memory_mcp.models.recall import Kind
    from memory_mcp.storage.decision_links import DecisionLinks
    from memory_mcp.storage.decision_store import DecisionStore
    from memory_mcp.storage.derived import Fault, Part
    from memory_mcp.storage.digest_store import DigestStore
    from memory_mcp.storage.handoff_store import HandoffStore
    from memory_mcp.storage.ledger_store import LedgerStore
    from memory_mcp.storage.note_store import NoteStore
    from memory_mcp.storage.pattern_store import PatternStore
    from memory_mcp.storage.recommendation_store import RecommendationStore
    from memory_mcp.storage.relationship_store import RelationshipStore
    from memory_mcp.storage.search_index import VectorSet
    from memory_mcp.storage.short_ids import ShortIds
    from memory_mcp.storage.tag_store import TagStore
    from memory_mcp.storage.trust_store import TrustStore
    from memory_mcp.storage.turn_store import TurnStore

_COUNTED = (
    "episodes",
    "steps",
    "turns",
    "notes",
    "patterns",
    "recommendations",
    "changes",
    "audit_events",
    "damaged",
)


class VectorSize(Struct, frozen=True):
    """How many documents have vectors of a model, and their size; `complete` once all had them."""

    model: str
    documents: int
    bytes: int
    complete: bool


class IndexSizes(Struct, frozen=True):
    """The sizes of the keyword index and the vector sets."""

    keyword_entries: int
    vectors: tuple[VectorSize, ...]


class Store:
    """One file seen from one project; `database` gives transactions to the index above.

    What a hook does not need when a tool was used, which is its most frequent event, is imported when first used.
    """

    def __init__(self, database: Database, writer: Writer, schema: int, cache: Cache | None, hot: HotEpisodes) -> None:
        self.database = database
        database.mend = self._mend
        self.cache = cache
        self.writer = writer
        self.wall = writer.wall
        self.clock = writer.clock
        self.schema = schema
        self.episodes = EpisodeStore(database, writer, hot)
        self.sessions = SessionStore(database, writer, self.episodes)

    @classmethod
    def open(
        cls,
        path: Path,
        project: str | Callable[[Database], str],
        settings: Settings,
        *,
        clock: Clock,
        actor: str,
        cache: Path | None = None,
        branch: str | None = None,
    ) -> "Store":
        """Open the file, creating or migrating it; `actor` goes into the audit rows, `cache` is the hot cache's place.

        `project` is a name, or what finds one in the open file.

        On a branch that has a layer of its own, records go there, and what lies below is seen too.

        Raises:
            StoreError: the file cannot be used; the sentence says why and what to do.

        """
        store = settings.store
        leftovers.clear(path.parent, path.parent / "backups")
        database = Database(path, busy_timeout_s=store.busy_timeout_s, synchronous=store.synchronous)
        try:
            schema = migrate(database, clock)
            name = project if isinstance(project, str) else project(database)
            wall = layers.wall_of(database, project_store.ensure(database, name, clock), name, branch)
        except BaseException:
            database.close()
            raise
        shared = Cache.shared(cache, path) if cache and settings.cache.enabled else None
        hot = HotEpisodes(shared, settings.cache, clock)
        return cls(database, Writer(wall, clock, actor, Redactor(settings.redaction.emails)), schema, shared, hot)

    @cached_property
    def notes(self) -> "NoteStore":
        """Notes."""
        from memory_mcp.storage.note_store import NoteStore  # noqa: PLC0415 - as the class says

        return NoteStore(self.database, self.writer)

    @cached_property
    def decisions(self) -> "DecisionStore":
        """Decisions."""
        from memory_mcp.storage.decision_store import DecisionStore  # noqa: PLC0415 - as the class says

        return DecisionStore(self.database, self.writer)

    @cached_property
    def decision_links(self) -> "DecisionLinks":
        """What replaces or contradicts what."""
        from memory_mcp.storage.decision_links import DecisionLinks  # noqa: PLC0415 - as the class says

        return DecisionLinks(self.database, self.writer)

    @cached_property
    def relationships(self) -> "RelationshipStore":
        """Relationships between episodes."""
        from memory_mcp.storage.relationship_store import RelationshipStore  # noqa: PLC0415 - as the class says

        return RelationshipStore(self.database, self.writer)

    @cached_property
    def ids(self) -> "ShortIds":
        """The short forms of ids."""
        from memory_mcp.storage.short_ids import ShortIds  # noqa: PLC0415 - as the class says

        return ShortIds(self.database, self.wall)

    @cached_property
    def tags(self) -> "TagStore":
        """Tags of records."""
        from memory_mcp.storage.tag_store import TagStore  # noqa: PLC0415 - as the class says

        return TagStore(self.database, self.writer)

    @cached_property
    def handoffs(self) -> "HandoffStore":
        """Handoffs."""
        from memory_mcp.storage.handoff_store import HandoffStore  # noqa: PLC0415 - as the class says

        return HandoffStore(self.database, self.writer, self.episodes)

    @cached_property
    def digests(self) -> "DigestStore":
        """What was learnt from each episode."""
        from memory_mcp.storage.digest_store import DigestStore  # noqa: PLC0415 - as the class says

        return DigestStore(self.database, self.writer)

    @cached_property
    def patterns(self) -> "PatternStore":
        """Patterns."""
        from memory_mcp.storage.pattern_store import PatternStore  # noqa: PLC0415 - as the class says

        return PatternStore(self.database, self.writer, self.digests)

    @cached_property
    def recommendations(self) -> "RecommendationStore":
        """Recommendations, and what was said of them."""
        from memory_mcp.storage.recommendation_store import RecommendationStore  # noqa: PLC0415 - as the class says

        return RecommendationStore(self.database, self.writer)

    @cached_property
    def turns(self) -> "TurnStore":
        """Conversations and their turns."""
        from memory_mcp.storage.turn_store import TurnStore  # noqa: PLC0415 - as the class says

        return TurnStore(self.database, self.writer, self.episodes)

    @cached_property
    def trust(self) -> "TrustStore":
        """Whose word records are."""
        from memory_mcp.storage.trust_store import TrustStore  # noqa: PLC0415 - as the class says

        return TrustStore(self.database, self.writer)

    @cached_property
    def ledger(self) -> "LedgerStore":
        """What was told."""
        from memory_mcp.storage.ledger_store import LedgerStore  # noqa: PLC0415 - as the class says

        return LedgerStore(self.database, self.writer)

    def exists(self, document_id: str) -> bool:
        """Whether this project can see a record."""
        with self.database.read() as session:
            return bool(documents.find_keys(session, self.wall, [document_id]))

    def kind_of(self, document_id: str) -> "Kind | None":
        """Return the kind of a record, None where this project sees none of that id."""
        from memory_mcp.storage import search_index  # noqa: PLC0415 - as the class says

        with self.database.read() as session:
            keys = documents.find_keys(session, self.wall, [document_id]).values()
            found = search_index.candidates(session, keys)
        return next((each.kind for each in found.values()), None)

    def records(self, session: Session, ids: Iterable[str]) -> "Sequence[Episode | Pattern]":
        """Load the episodes and patterns that can be seen among some ids; damaged ones are left out."""
        from memory_mcp.storage import search_index  # noqa: PLC0415 - as the class says

        keys = list(documents.find_keys(session, self.wall, ids).values())
        kinds = search_index.candidates(session, keys)
        episodes = self.episodes.load_hot(session, [key for key in keys if kinds[key].kind == "episode"])
        patterns = self.patterns.load_many(session, [key for key in keys if kinds[key].kind == "pattern"])
        return [*(each for each in episodes.values() if isinstance(each, Episode)), *patterns.values()]

    def close(self) -> None:
        """Close the file, and the cache beside it."""
        self.database.close()
        if self.cache is not None:
            self.cache.close()
            self.cache = None

    def counts(self) -> dict[str, int]:
        """Count the rows of the whole file by table."""
        with self.database.read() as session:
            return {table: int(session.value(f"SELECT count(*) FROM {table}")) for table in _COUNTED}

    def project_counts(self) -> dict[str, int]:
        """Count episodes, notes and patterns of this project."""
        from memory_mcp.models.recall import Kind  # noqa: PLC0415 - as the class says

        with self.database.read() as session:
            rows = session.rows(
                "SELECT kind, count(*) FROM documents WHERE project_key = ? GROUP BY kind", (self.wall.project_key,)
            )
        found: dict[str, int] = dict(rows)
        return {f"{kind}s": int(found.get(kind, 0)) for kind in get_args(Kind)}

    def has_ended_layers(self, base_key: int) -> bool:
        """Whether records lie in layers that have ended."""
        with self.database.read() as session:
            return bool(
                session.value(
                    "SELECT 1 FROM projects p JOIN documents d ON d.project_key = p.key"
                    " WHERE p.parent_key = ? AND p.branch IS NULL LIMIT 1",
                    (base_key,),
                )
            )

    def projects(self) -> list[str]:
        """Name the projects of the file, the oldest first."""
        with self.database.read() as session:
            return [str(row[0]) for row in session.rows("SELECT name FROM projects ORDER BY key")]

    def audit(self, document_id: str) -> list[tuple[int, str, str, int]]:
        """Return (time, actor, action, sequence) of every change of a record, oldest first."""
        with self.database.read() as session:
            return [
                (row[0], row[1], row[2], row[3])
                for row in session.rows(
                    "SELECT at, actor, action, sequence FROM audit_events WHERE document_id = ? AND project_key = ?"
                    " ORDER BY key",
                    (document_id, self.wall.project_key),
                )
            ]

    def vector_sets(self) -> "list[tuple[VectorSet, int, int]]":
        """Return every vector set with the number of its documents and its bytes."""
        from memory_mcp.storage import search_index  # noqa: PLC0415 - as the class says

        with self.database.read() as session:
            return search_index.list_vector_sets(session)

    def index_sizes(self) -> IndexSizes:
        """Count the keyword entries, and documents and bytes of each vector set."""
        from memory_mcp.storage import search_index  # noqa: PLC0415 - as the class says

        with self.database.read() as session:
            vectors = tuple(
                VectorSize(each.model, count, size, complete=each.ready)
                for each, count, size in search_index.list_vector_sets(session)
            )
            return IndexSizes(search_index.count_keywords(session), vectors)

    def delete_vector_set(self, model: str) -> bool:
        """Remove the vectors of a model; say whether there were any."""
        from memory_mcp.storage import search_index  # noqa: PLC0415 - as the class says

        with self.database.write() as session:
            return search_index.delete_vector_set(session, model)

    def is_intact(self) -> bool:
        """Ask SQLite for a quick structural check of the file's first error."""
        with self.database.read() as session:
            return bool(session.value("PRAGMA quick_check(1)") == "ok")

    def faults(self, most: int = 5) -> list[str]:
        """Check every table that holds records and return the first faults: of its structure, of its references.

        Raises:
            DamagedError: the file is damaged so that it cannot even be checked.

        """
        from memory_mcp.storage import derived  # noqa: PLC0415 - as the class says

        with self.database.read() as session:
            return derived.find_record_faults(session, most)

    def index_faults(self, look: "Callable[[Session], list[Fault]] | None" = None) -> "list[Fault]":
        """Check every derived table, all of it or as `look` does."""
        from memory_mcp.storage import derived  # noqa: PLC0415 - as the class says

        found: list[Fault] | None = None
        try:
            with self.database.read() as session:
                found = (look or derived.find_faults)(session)
        except DamagedError:  # a transaction that met a damaged page of FTS5 cannot commit
            if found is None:
                raise
        return found

    def mend_index(self, suspect: str | None = None) -> "tuple[Part, ...]":
        """Mend the damaged derived parts and return them; they are filled again by following.

        Raises:
            BusyError: another process held the write lock until the deadline.

        """
        from memory_mcp.storage import derived  # noqa: PLC0415 - as the class says

        faults = self.index_faults()
        with self.database.write() as session:
            return derived.mend(session, faults, suspect)

    def empty_index(self, part: "Part") -> None:
        """Empty a derived part, so that it is filled again by following.

        Raises:
            BusyError: another process held the write lock until the deadline.

        """
        from memory_mcp.storage import derived  # noqa: PLC0415 - as the class says

        with self.database.write() as session:
            derived.reset(session, part)

    def _mend(self, error: DamagedError) -> bool:
        return bool(self.mend_index(error.part if isinstance(error, IndexDamagedError) else None))

    def head(self) -> int:
        """Return the newest sequence number."""
        from memory_mcp.storage import search_index  # noqa: PLC0415 - as the class says

        with self.database.read() as session:
            return search_index.head(session)

    def size_bytes(self) -> int:
        """Size of the file with its write-ahead log."""
        path = self.database.path
        wal = path.with_name(path.name + "-wal")
        return path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)

    @staticmethod
    def engine() -> str:
        """Name the SQLite in use."""
        return engine_version()
