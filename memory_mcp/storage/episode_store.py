"""This module keeps episodes and their steps."""

from collections.abc import Callable, Sequence

import msgspec

from memory_mcp.errors import DamagedError, LimitError, NotFoundError
from memory_mcp.models import limits
from memory_mcp.models.episodes import (
    Episode,
    EpisodeFilter,
    EpisodeKind,
    EpisodePage,
    EpisodeSummary,
    Step,
    Typical,
)
from memory_mcp.models.receipts import Receipt
from memory_mcp.models.voices import (
    TALK,
    Door,
    lowest,
    voice_of,
    voice_of_deeds,
    voice_of_outcome,
)
from memory_mcp.storage import codec, cursors, documents, episode_rows
from memory_mcp.storage.database import Database, Row, Session, Version
from memory_mcp.storage.documents import Listed, NewDocument, Writer
from memory_mcp.storage.filters import episode_conditions
from memory_mcp.storage.hot_episodes import HotEpisodes, Revision
from memory_mcp.storage.marks import Mark

_LISTED = Listed("episode", "episodes e ON e.key = d.key")
_STEP_COLUMNS = ", ".join(codec.STEP_COLUMNS)
_PLACE = (
    "SELECT e.step_count, e.size_bytes, e.steps_voice, d.source_kind, d.source_id FROM episodes e"
    " JOIN documents d ON d.key = e.key WHERE e.key = ?"
)


class EpisodeStore:
    """Episodes behind one project's wall."""

    def __init__(self, database: Database, writer: Writer, hot: HotEpisodes) -> None:
        self._database = database
        self._writer = writer
        self.hot = hot

    def insert(self, episode: Episode) -> Receipt:
        """Store a new episode with all its steps."""
        with self._database.write() as session:
            receipt = self.insert_in(session, episode)
            written = self._written(session, self._key(session, episode.id))
        self.hot.keep(*written)
        return receipt

    def insert_many(self, episodes: Sequence[Episode]) -> Sequence[Receipt]:
        """Store new episodes in one transaction."""
        with self._database.write() as session:
            return [self.insert_in(session, episode) for episode in episodes]

    def insert_in(self, session: Session, given: Episode) -> Receipt:
        """Store a new episode with all its steps in a transaction of the caller's."""
        episode = self._writer.redactor.clean(given)
        door = self._writer.door(episode.source)
        key = documents.insert(
            session,
            self._writer,
            NewDocument(
                id=episode.id,
                kind="episode",
                created_at=episode.started_at,
                tags=episode.context.tags,
                is_global=episode.is_global,
                source=episode.source,
                voice=voice_of(door),
            ),
        )
        rows = [codec.dump_step(step) for step in episode.steps]
        voices = {"steps_voice": voice_of_deeds(door), "outcome_voice": voice_of_outcome(door)}
        columns = {**episode_rows.columns_of(episode, rows), **voices}
        marks = ", ".join("?" * len(columns))
        session.run(f"INSERT INTO episodes (key, {', '.join(columns)}) VALUES (?, {marks})", (key, *columns.values()))
        episode_rows.insert_steps(session, key, 0, rows, door)
        return documents.seal(session, self._writer, "create", episode.id)

    def append_steps(self, episode_id: str, steps: Sequence[Step], allow: Callable[[Episode], None]) -> Receipt:
        """Append steps; `allow` sees the episode without steps, in the same transaction, and may refuse.

        Raises:
            NotFoundError: no such episode here.
            LimitError: the episode would grow past a limit.

        """
        with self._database.write() as session:
            key = documents.locate(session, self._writer, "episode", episode_id)
            allow(self._load(session, key, with_steps=False))
            before = revisions(session, [key])[key][1]
            count, size, told_by, kind, source_id = session.rows(_PLACE, (key,))[0]
            door = Door(self._writer.actor, kind or "", source_id or "")
            cleaned = self._writer.redactor.clean(tuple(steps))
            rows = [codec.dump_step(step) for step in cleaned]
            size += codec.text_bytes(rows)
            if count + len(steps) > limits.STEPS_PER_EPISODE:
                raise LimitError(
                    f"episode {episode_id} has {count} steps and may have {limits.STEPS_PER_EPISODE}; "
                    "complete it and go on in a new one"
                )
            if size > limits.EPISODE_BYTES:
                raise LimitError(
                    f"episode {episode_id} would hold {size} bytes and may hold {limits.EPISODE_BYTES}; "
                    "record shorter outputs, or complete it and go on in a new one"
                )
            episode_rows.insert_steps(session, key, count, rows, door)
            deeds = any(step.tool not in TALK for step in steps)
            session.run(
                "UPDATE episodes SET step_count = ?, size_bytes = ?, updated_at = ?, steps_voice = ? WHERE key = ?",
                (
                    *(count + len(steps), size, self._writer.clock.now()),
                    *(lowest((told_by, voice_of_deeds(door))) if deeds else told_by, key),
                ),
            )
            documents.revise(session, key)
            receipt = documents.seal(session, self._writer, "append_steps", episode_id)
            after, mark = revisions(session, [key])[key][1], self.hot.mark(session)
        self.hot.extend(episode_id, before, after, [codec.load_step(row, episode_id) for row in rows], mark)
        return receipt

    def update(self, episode_id: str, action: str, change: Callable[[Episode], Episode]) -> tuple[Episode, Receipt]:
        """Replace an episode by what `change` makes of it, in one transaction; steps are left as they are.

        Raises:
            NotFoundError: no such episode here.

        """
        with self._database.write() as session:
            key = documents.locate(session, self._writer, "episode", episode_id)
            before = self._load(session, key, with_steps=True)
            made = msgspec.structs.replace(change(before), steps=())
            changed = msgspec.structs.replace(self._writer.redactor.clean(made), steps=before.steps)
            episode_rows.update(session, key, changed, with_steps=False)
            if changed.outcome != before.outcome:
                own = voice_of_outcome(Door(self._writer.actor))
                session.run("UPDATE episodes SET outcome_voice = ? WHERE key = ?", (own, key))
            if episode_rows.spoken(changed) != episode_rows.spoken(before):
                documents.lower_voice(session, self._writer, key)
            documents.revise(session, key)
            receipt = documents.seal(session, self._writer, action, episode_id)
            written = self._written(session, key)
        self.hot.keep(*written)
        return changed, receipt

    def rewrite(self, session: Session, key: int, episode: Episode) -> None:
        """Replace a stored episode with its steps, whatever project it is of."""
        episode_rows.update(session, key, episode, with_steps=True)
        documents.revise(session, key)

    def correct(self, session: Session, key: int, episode: Episode) -> None:
        """Replace what is derived from an episode's steps; the steps are left as they are."""
        episode_rows.update(session, key, episode, with_steps=False)
        documents.revise(session, key)

    def delete(self, episode_id: str) -> Receipt:
        """Erase an episode from every table and index.

        Raises:
            NotFoundError: no such episode here.

        """
        with self._database.write() as session:
            receipt = documents.delete(session, self._writer, "episode", episode_id)
        self.hot.forget(episode_id)
        return receipt

    def get(self, episode_id: str, *, with_steps: bool = True) -> Episode:
        """Return an episode.

        Raises:
            NotFoundError: no such episode here.
            DamagedError: it does not hold what was written.

        """
        version = self._database.version()
        if (held := self.hot.unchanged(episode_id, version)) is not None:
            return held
        with self._database.read() as session:
            key = self._key(session, episode_id)
            if not with_steps:
                return self._load(session, key, with_steps=False)
            loaded = self.load_hot(session, [key], version)[key]
        if isinstance(loaded, DamagedError):
            raise loaded
        return loaded

    def _key(self, session: Session, episode_id: str) -> int:
        key = session.value(
            f"SELECT d.key FROM documents d WHERE d.id = ? AND d.kind = 'episode' AND {self._writer.wall.visible()}",
            (episode_id,),
        )
        if key is None:
            self.hot.forget_here(episode_id)
            raise NotFoundError(f"no episode {episode_id} in project {self._writer.wall.project}")
        return int(key)

    def _written(self, session: Session, key: int) -> tuple[Episode, Revision, Mark]:
        """Return what a transaction has just written, as it will be read."""
        return self._load(session, key, with_steps=True), revisions(session, [key])[key][1], self.hot.mark(session)

    def list(self, chosen: EpisodeFilter, *, kind: EpisodeKind, limit: int, cursor: str | None) -> EpisodePage:
        """Return one page, newest first; damaged rows are set aside and counted, the rest is served."""
        conditions, bindings = episode_conditions(chosen)
        conditions.append("e.kind = :kind")
        bindings["kind"] = kind
        if cursor:
            after = cursors.load_cursor(cursor)
            conditions.append("(d.created_at, d.key) < (:created_at, :key)")
            bindings |= {"created_at": after.created_at, "key": after.key}
        with self._database.read() as session:
            keys = documents.newest_keys(
                session, self._writer.wall, _LISTED, conditions, {**bindings, "limit": limit + 1}
            )
            rows = session.rows(
                "SELECT d.key, d.created_at, d.id, p.name, d.source_kind, e.step_count,"
                f" {', '.join(codec.EPISODE_COLUMNS)}"
                " FROM json_each(?) w JOIN documents d ON d.key = w.value JOIN episodes e ON e.key = d.key"
                " JOIN projects p ON p.key = d.project_key ORDER BY d.created_at DESC, d.key DESC",
                (documents.keys_json(keys),),
            )
            tags = documents.tags_of(session, [row[0] for row in rows])
        shown = rows[:limit]
        summaries: list[EpisodeSummary] = []
        damaged: dict[int, str] = {}
        for key, _, episode_id, project, origin, step_count, *columns in shown:
            try:
                episode = codec.load_episode(
                    (episode_id, project, False, None, None, 0, "task", ""), tuple(columns), tags.get(key, ()), ()
                )
            except DamagedError as error:
                damaged[key] = str(error)
            else:
                summaries.append(codec.summary_of(episode, step_count, origin))
        documents.set_aside(self._database, self._writer.clock, damaged)
        more = len(rows) > limit
        next_cursor = cursors.dump_cursor(cursors.Position(shown[-1][1], shown[-1][0])) if more else None
        return EpisodePage(tuple(summaries), next_cursor, len(damaged))

    def load_hot(
        self, session: Session, keys: Sequence[int], version: Version | None = None
    ) -> dict[int, Episode | DamagedError]:
        """Load whole episodes like `load_many`, from what is kept close at hand as far as it shows this snapshot.

        `version` is the database's before the snapshot was opened, where the caller knows it.
        """
        current = revisions(session, keys)
        loaded: dict[int, Episode | DamagedError] = {}
        for key, (episode_id, revision) in current.items():
            if (held := self.hot.find(session, episode_id, revision, version)) is not None:
                loaded[key] = held
        missing = [key for key in current if key not in loaded]
        if missing:
            mark = self.hot.mark(session)
            for key, episode in self.load_many(session, missing).items():
                loaded[key] = episode
                if isinstance(episode, Episode):
                    self.hot.keep(episode, current[key][1], mark, version)
        return loaded

    def load_many(
        self, session: Session, keys: Sequence[int], *, with_steps: bool = True
    ) -> dict[int, Episode | DamagedError]:
        """Load whole episodes by key, whatever project they are of; a damaged one is its error."""
        chosen = documents.keys_json(keys)
        rows = session.rows(
            "SELECT d.key, d.id, p.name, d.is_global, d.source_kind, d.source_id, e.updated_at, e.kind, d.author,"
            f" {', '.join(codec.EPISODE_COLUMNS)} FROM json_each(?) w JOIN documents d ON d.key = w.value"
            " JOIN projects p ON p.key = d.project_key JOIN episodes e ON e.key = d.key",
            (chosen,),
        )
        steps: dict[int, list[Row]] = {}
        if with_steps:
            for key, *step in session.rows(
                f"SELECT episode_key, {_STEP_COLUMNS} FROM steps"
                " WHERE episode_key IN (SELECT value FROM json_each(?)) ORDER BY episode_key, position",
                (chosen,),
            ):
                steps.setdefault(key, []).append(tuple(step))
        tags = documents.tags_of(session, keys)
        loaded: dict[int, Episode | DamagedError] = {}
        for key, *columns in rows:
            identity, row = tuple(columns[:8]), tuple(columns[8:])
            try:
                taken = tuple(codec.load_step(step, identity[0]) for step in steps.get(key, ()))
                loaded[key] = codec.load_episode(identity, row, tags.get(key, ()), taken)
            except DamagedError as error:
                loaded[key] = error
        return loaded

    def place(self, session: Session, episode_id: str) -> tuple[int, int]:
        """Return the key and the revision of an episode of this project.

        Raises:
            NotFoundError: no such episode here.

        """
        key = documents.locate(session, self._writer, "episode", episode_id)
        return key, int(session.value("SELECT revision FROM documents WHERE key = ?", (key,)))

    def repeatable(self, session: Session, task: str, keys: Sequence[int], latest: int) -> Sequence[tuple[str, str]]:
        """Return (id, task) of completed episodes that a task may repeat, the oldest first.

        These are the ones with the very same task (but for case and blanks), those of some keys, and the latest ones,
        which the keyword index may not hold yet.
        """
        rows = session.rows(
            "SELECT d.id, e.task FROM documents d JOIN episodes e ON e.key = d.key"
            " WHERE d.project_key = :project AND e.completed_at IS NOT NULL AND d.key IN ("
            " SELECT key FROM episodes WHERE task_key = :task_key UNION SELECT value FROM json_each(:keys) UNION"
            " SELECT key FROM (SELECT key FROM documents WHERE project_key = :project AND kind = 'episode'"
            " ORDER BY created_at DESC, key DESC LIMIT :latest)) ORDER BY d.created_at, d.key",
            {
                "project": self._writer.wall.project_key,
                "task_key": codec.task_key(task),
                "keys": documents.keys_json(keys),
                "latest": latest,
            },
        )
        return [(row[0], row[1]) for row in rows]

    def typical(self, domain: str, task_type: str) -> Typical | None:
        """Return the medians of the latest 200 completed episodes of a domain and task type, None without any."""
        with self._database.read() as session:
            rows = session.rows(
                "SELECT e.step_count, e.completed_at - e.started_at FROM episodes e JOIN documents d ON d.key = e.key"
                " WHERE e.domain = ? AND e.task_type = ? AND e.completed_at IS NOT NULL AND d.project_key = ?"
                " ORDER BY e.completed_at DESC LIMIT 200",
                (domain, task_type, self._writer.wall.project_key),
            )
        if not rows:
            return None
        from statistics import median  # noqa: PLC0415 - 2 ms that a hook need not pay

        seconds = median(row[1] for row in rows) / 1e6
        return Typical(len(rows), float(median(row[0] for row in rows)), round(seconds, 3))

    def replace(self, given: Episode) -> Receipt:
        """Replace a recorded episode, with its steps, by what its source says now.

        Raises:
            NotFoundError: no such episode here.

        """
        with self._database.write() as session:
            key = documents.locate(session, self._writer, "episode", given.id)
            self.rewrite(session, key, self._writer.redactor.clean(given))
            episode_rows.retell(session, key, self._writer.actor)
            receipt = documents.seal(session, self._writer, "replace", given.id)
        self.hot.forget(given.id)
        return receipt

    def step_counts(self, kind: str) -> dict[str, int]:
        """Map the source ids of one importer to the steps that their episodes have."""
        with self._database.read() as session:
            return documents.steps_by_source(session, self._writer.wall, kind)

    def sources(self, kind: str) -> dict[str, str]:
        """Map the source ids of one importer to episode ids."""
        with self._database.read() as session:
            return documents.existing_sources(session, self._writer.wall, kind)

    def _load(self, session: Session, key: int, *, with_steps: bool) -> Episode:
        loaded = self.load_many(session, [key], with_steps=with_steps)[key]
        if isinstance(loaded, DamagedError):
            raise loaded
        return loaded


def revisions(session: Session, keys: Sequence[int]) -> dict[int, tuple[str, Revision]]:
    """Return id and revision of episodes by key."""
    rows = session.rows(
        "SELECT d.key, d.id, d.revision, e.updated_at, e.checksum FROM json_each(?) w"
        " JOIN documents d ON d.key = w.value JOIN episodes e ON e.key = d.key",
        (documents.keys_json(keys),),
    )
    return {key: (episode_id, Revision(*revision)) for key, episode_id, *revision in rows}
