"""This module keeps patterns and their evidence."""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress

from memory_mcp.errors import DamagedError, NotFoundError
from memory_mcp.models.patterns import (
    Definition,
    ErrorRecovery,
    Evidence,
    Finding,
    Pattern,
    PatternFilter,
    PatternKind,
    PatternPage,
    Tally,
    kind_of,
)
from memory_mcp.storage import codec, cursors, documents, learning_codec
from memory_mcp.storage.database import Database, Row, Session
from memory_mcp.storage.digest_store import DigestStore, ten_thousandths, thousandths
from memory_mcp.storage.documents import NewDocument, Writer

_COLUMNS = "d.key, p.uses, d.id, j.name, p.wins, p.rewarded, p.rewards, d.created_at, p.last_seen, p.retired_at"
_TABLES = "documents d JOIN patterns p ON p.key = d.key JOIN projects j ON j.key = d.project_key"
_EVIDENCE_COLUMNS = "episode_key, share, reward, seen_at, identity, detail"
_SHOWN_EVIDENCE = 20
_INDEXED_EVIDENCE = 5
# One vote of each document and episode: the latest judgement, else what the steps showed. Whatever was judged outside
# of any episode is one vote together, because nothing there can be seen.
_FOLLOWED = """
    SELECT document_key, count(*), sum(share) FROM (
        SELECT document_key, share, max(place) FROM (
            SELECT x.document_key, x.share, coalesce(r.episode_key, 0) AS episode_key, x.recommendation_key AS place
                FROM recommended x JOIN recommendations r ON r.key = x.recommendation_key WHERE x.share IS NOT NULL
            UNION ALL SELECT f.document_key, f.share, coalesce(r.episode_key, 0), f.key + (1 << 60)
                FROM feedback f JOIN recommendations r ON r.key = f.recommendation_key WHERE f.share IS NOT NULL
        ) WHERE document_key IN (SELECT value FROM json_each(?)) GROUP BY document_key, episode_key
    ) GROUP BY document_key
"""


class PatternStore:
    """Patterns behind one project's wall; counts are kept by triggers on the evidence."""

    def __init__(self, database: Database, writer: Writer, digests: DigestStore) -> None:
        self._database = database
        self._writer = writer
        self._digests = digests

    def find(self, session: Session, definitions: Iterable[Definition]) -> dict[Definition, int]:
        """Map those of the definitions that are known in this project to their patterns' keys."""
        wanted: dict[PatternKind, dict[str, Definition]] = {}
        for each in definitions:
            wanted.setdefault(kind_of(each), {})[learning_codec.identity(each)] = each
        return {
            texts[identity]: key
            for kind, texts in wanted.items()
            for identity, key in session.rows(
                "SELECT identity, pattern_key FROM pattern_identities WHERE project_key = ? AND kind = ?"
                " AND identity IN (SELECT value FROM json_each(?))",
                (self._writer.wall.project_key, kind, json.dumps(list(texts))),
            )
        }

    def find_errors(self, session: Session, error_class: str, words: tuple[int, int]) -> dict[Definition, int]:
        """Map the errors whose signature begins with a word, and has so many of them, to their patterns' keys.

        Damaged ones are left out: an error can still be added to a pattern that it equals to the letter (`find`).
        """
        start = learning_codec.identity(ErrorRecovery(error_class)).removesuffix('"}')
        rows = session.rows(
            "SELECT identity, checksum, pattern_key FROM pattern_identities WHERE project_key = ?"
            " AND kind = 'error_recovery' AND identity >= ? AND identity < ? AND words BETWEEN ? AND ?",
            (self._writer.wall.project_key, start, start + "\U0010ffff", *words),
        )
        found: dict[Definition, int] = {}
        for identity, stored, key in rows:
            with suppress(DamagedError):
                found[learning_codec.load_identity(identity, stored)] = key
        return found

    def tell(self, session: Session, episode_key: int) -> "Teller":
        """Begin to store what an episode shows, in place of what it showed before."""
        return Teller(session, self._writer, episode_key)

    def ids(self, session: Session, keys: Iterable[int]) -> dict[int, str]:
        """Map keys to ids."""
        rows = session.rows(
            "SELECT key, id FROM documents WHERE key IN (SELECT value FROM json_each(?))", (documents.keys_json(keys),)
        )
        return {row[0]: row[1] for row in rows}

    def get(self, pattern_id: str) -> Pattern:
        """Return a pattern with its newest evidence.

        Raises:
            NotFoundError: no such pattern here.
            DamagedError: it does not hold what was written.

        """
        found = self.get_many([pattern_id])
        if found:
            return found[0]
        with self._database.read() as session:
            if documents.find_keys(session, self._writer.wall, [pattern_id]):
                raise DamagedError(f"pattern {pattern_id} does not match its checksum")
        raise NotFoundError(f"no pattern {pattern_id} in project {self._writer.wall.project}")

    def get_many(self, ids: Sequence[str], evidence: int = _SHOWN_EVIDENCE) -> list[Pattern]:
        """Return the patterns that there are, in the order of the ids; damaged ones are left out."""
        with self._database.read() as session:
            rows = session.rows(
                f"SELECT {_COLUMNS} FROM {_TABLES} WHERE d.id IN (SELECT value FROM json_each(?))"
                f" AND {self._writer.wall.visible()}",
                (json.dumps(list(ids)),),
            )
            found = {pattern.id: pattern for pattern in self._load(session, rows, evidence).values()}
        return [found[each] for each in ids if each in found]

    def load_many(self, session: Session, keys: Sequence[int]) -> dict[int, Pattern]:
        """Load patterns by key for the index, whatever project they are of; damaged ones are left out.

        How following them went and their reward difference are not looked up.
        """
        rows = session.rows(
            f"SELECT {_COLUMNS} FROM {_TABLES} WHERE d.key IN (SELECT value FROM json_each(?))",
            (documents.keys_json(keys),),
        )
        return self._load(session, rows, _INDEXED_EVIDENCE, for_index=True)

    def list(self, chosen: PatternFilter, *, limit: int, cursor: str | None) -> PatternPage:
        """Return one page, the patterns of most episodes first."""
        conditions = [self._writer.wall.visible(), "p.uses >= :least"]
        bindings: dict[str, str | int] = {"least": chosen.least_uses, "limit": limit + 1}
        if chosen.kind:
            conditions.append("p.kind = :kind")
            bindings["kind"] = chosen.kind
        if not chosen.include_retired:
            conditions.append("p.retired_at IS NULL")
        if cursor:
            after = cursors.load_cursor(cursor)
            conditions.append("(p.uses, d.key) < (:uses, :key)")
            bindings |= {"uses": after.created_at, "key": after.key}
        with self._database.read() as session:
            rows = session.rows(
                f"SELECT {_COLUMNS} FROM {_TABLES} WHERE {' AND '.join(conditions)}"
                " ORDER BY p.uses DESC, d.key DESC LIMIT :limit",
                bindings,
            )
            shown = rows[:limit]
            patterns = self._load(session, shown, _SHOWN_EVIDENCE)
        more = len(rows) > limit
        next_cursor = cursors.dump_cursor(cursors.Position(shown[-1][1], shown[-1][0])) if more else None
        return PatternPage(tuple(patterns[row[0]] for row in shown if row[0] in patterns), next_cursor)

    def counts(self) -> dict[str, tuple[int, int, int]]:
        """Return, by kind, the number of this project's patterns, of those seen once, and of the retired."""
        with self._database.read() as session:
            rows = session.rows(
                "SELECT p.kind, count(*), sum(p.uses = 1), sum(p.retired_at IS NOT NULL) FROM patterns p"
                " JOIN documents d ON d.key = p.key WHERE d.project_key = ? GROUP BY p.kind ORDER BY p.kind",
                (self._writer.wall.project_key,),
            )
        return {row[0]: (int(row[1]), int(row[2]), int(row[3])) for row in rows}

    def retire(self, ids: Iterable[str], at: int) -> None:
        """Take patterns out of use until they are seen again."""
        with self._database.write() as session:
            for pattern_id in ids:
                key = documents.locate(session, self._writer, "pattern", pattern_id)
                session.run("UPDATE patterns SET retired_at = ? WHERE key = ?", (at, key))
                documents.revise(session, key)
                documents.seal(session, self._writer, "retire", pattern_id)

    def followed(self, ids: Sequence[str]) -> dict[str, Tally]:
        """Return how the use of each document went, of those of which anything is known."""
        with self._database.read() as session:
            keys = documents.find_keys(session, self._writer.wall, ids)
            tallies = _followed(session, keys.values())
        return {each: tallies[key] for each, key in keys.items() if key in tallies}

    def _load(
        self, session: Session, rows: Sequence[Row], evidence: int, *, for_index: bool = False
    ) -> dict[int, Pattern]:
        keys = [row[0] for row in rows]
        followed = {} if for_index else _followed(session, keys)
        identities: dict[int, list[tuple[str, int]]] = {}
        for key, identity, stored in session.rows(
            "SELECT pattern_key, identity, checksum FROM pattern_identities"
            " WHERE pattern_key IN (SELECT value FROM json_each(?)) ORDER BY identity",
            (documents.keys_json(keys),),
        ):
            identities.setdefault(key, []).append((identity, stored))
        count, total = (0, 0) if for_index else self._digests.rewards(session)
        found: dict[int, Pattern] = {}
        for key, uses, id_, project, wins, rewarded, rewards, created, seen, retired in rows:
            try:
                definitions = tuple(learning_codec.load_identity(*each) for each in identities.get(key, ()))
            except DamagedError:
                continue  # `get` says so; the rest is served
            found[key] = Pattern(
                id=id_,
                project=project,
                definition=definitions[0],
                also=definitions[1:],
                seen=Tally(uses, wins / 1_000),
                followed=followed.get(key, Tally()),
                first_seen=created,
                last_seen=seen,
                reward_difference=None
                if for_index
                else _difference(rewarded, rewards, count - rewarded, total - rewards),
                retired_at=retired,
                evidence=_evidence(session, key, evidence),
            )
        return found


class Teller:
    """One episode's evidence while it is stored, within one transaction."""

    def __init__(self, session: Session, writer: Writer, episode_key: int) -> None:
        self._session = session
        self._writer = writer
        self._episode_key = episode_key
        self._spoken: set[tuple[int, int]] = set()
        self._keys: dict[int, None] = {}

    def add(self, finding: Finding, same: Iterable[int], words: int = 0) -> int:
        """Store a finding together with the patterns that it is the same as; they become one, whose key is returned.

        `words` counts those of an error's signature, for `find_errors`.
        """
        keys = sorted(set(same))
        key = keys[0] if keys else self._insert(finding)
        for other in keys[1:]:
            self._absorb(key, other)
        identity = learning_codec.identity(finding.definition)
        self._session.run(
            "INSERT OR IGNORE INTO pattern_identities (project_key, kind, identity, pattern_key, words, checksum)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                *(self._writer.wall.project_key, kind_of(finding.definition), identity, key, words),
                learning_codec.identity_checksum(identity),
            ),
        )
        episodes = documents.find_keys(self._session, self._writer.wall, [each.episode_id for each in finding.evidence])
        for each in finding.evidence:
            if (found := episodes.get(each.episode_id)) is not None:
                self._say(key, _row(found, each, identity))
        self._keys[key] = None
        return key

    def finish(self) -> Sequence[int]:
        """Take back what the episode showed before and shows no longer; return the keys of its patterns.

        Feedback on a pattern that goes with it stays, as feedback on nothing that is left.
        """
        self._session.run(
            "UPDATE feedback SET document_key = NULL WHERE document_key IN (SELECT pattern_key FROM evidence"
            " WHERE episode_key = ?1 AND pattern_key NOT IN (SELECT value FROM json_each(?2)) EXCEPT"
            " SELECT pattern_key FROM evidence WHERE episode_key <> ?1)",
            (self._episode_key, documents.keys_json(self._keys)),
        )
        self._session.run(
            "DELETE FROM evidence WHERE episode_key = ? AND pattern_key NOT IN (SELECT value FROM json_each(?))",
            (self._episode_key, documents.keys_json(self._keys)),
        )
        return list(self._keys)

    def _insert(self, finding: Finding) -> int:
        clock = self._writer.clock
        document = NewDocument(
            id=clock.new_id(),
            kind="pattern",
            created_at=clock.now(),
            tags=(),
            is_global=False,
            source=None,
            voice="tool",
        )
        key = documents.insert(self._session, self._writer, document)
        self._session.run("INSERT INTO patterns (key, kind) VALUES (?, ?)", (key, kind_of(finding.definition)))
        documents.seal(self._session, self._writer, "create", document.id)
        return key

    def _absorb(self, key: int, other: int) -> None:
        """Move everything of another pattern here."""
        run = self._session.run
        run("UPDATE pattern_identities SET pattern_key = ? WHERE pattern_key = ?", (key, other))
        for row in self._session.rows(f"SELECT {_EVIDENCE_COLUMNS} FROM evidence WHERE pattern_key = ?", (other,)):
            _put(self._session, key, row, combine=True)
        run("UPDATE OR IGNORE recommended SET document_key = ? WHERE document_key = ?", (key, other))
        run("UPDATE feedback SET document_key = ? WHERE document_key = ?", (key, other))
        self._spoken |= {(key, episode) for pattern, episode in self._spoken if pattern == other}
        if other in self._keys:
            del self._keys[other]
            self._keys[key] = None
        run("DELETE FROM documents WHERE key = ?", (other,))

    def _say(self, key: int, row: Row) -> None:
        """Add or replace one episode's evidence; what was said in this telling is combined, in whatever order."""
        if _put(self._session, key, row, combine=(key, row[0]) in self._spoken):
            self._session.run("UPDATE patterns SET retired_at = NULL WHERE key = ? AND retired_at <= ?", (key, row[3]))
            documents.revise(self._session, key)
        self._spoken.add((key, row[0]))


def _row(episode_key: int, evidence: Evidence, identity: str) -> Row:
    numbers = (thousandths(evidence.share), ten_thousandths(evidence.reward), evidence.seen_at)
    return (episode_key, *numbers, identity, codec.dump(evidence.detail))


def _put(session: Session, key: int, row: Row, *, combine: bool) -> bool:
    """Add or replace evidence; of two to be combined the better one stands, whatever came first. Say if it changed."""
    held = session.row(
        f"SELECT {_EVIDENCE_COLUMNS} FROM evidence WHERE pattern_key = ? AND episode_key = ?", (key, row[0])
    )
    if held is None:
        session.run(
            f"INSERT INTO evidence (pattern_key, {_EVIDENCE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)", (key, *row)
        )
        return True
    chosen = max(held, row, key=lambda each: (each[1], each[4], each[5])) if combine else row
    if held == chosen:
        return False
    session.run(
        "UPDATE evidence SET share = ?, reward = ?, seen_at = ?, identity = ?, detail = ?"
        " WHERE pattern_key = ? AND episode_key = ?",
        (*chosen[1:], key, row[0]),
    )
    return True


def _followed(session: Session, keys: Iterable[int]) -> dict[int, Tally]:
    return {row[0]: Tally(row[1], row[2] / 1_000) for row in session.rows(_FOLLOWED, (documents.keys_json(keys),))}


def _evidence(session: Session, key: int, limit: int) -> tuple[Evidence, ...]:
    rows = session.rows(
        "SELECT d.id, v.share, v.reward, v.seen_at, v.detail, e.task FROM evidence v"
        " JOIN documents d ON d.key = v.episode_key JOIN episodes e ON e.key = v.episode_key"
        " WHERE v.pattern_key = ? ORDER BY v.seen_at DESC, v.episode_key DESC LIMIT ?",
        (key, limit),
    )
    return tuple(
        Evidence(
            episode_id=id_,
            share=share / 1_000,
            reward=None if reward is None else reward / 10_000,
            seen_at=seen_at,
            detail=learning_codec.load_detail(detail),
            task=task,
        )
        for id_, share, reward, seen_at, detail, task in rows
    )


def _difference(own: int, own_sum: int, others: int, others_sum: int) -> float | None:
    if not own or not others:
        return None
    return round(own_sum / own / 10_000 - others_sum / others / 10_000, 4)
