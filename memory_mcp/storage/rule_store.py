"""This module keeps rules and the user's words behind them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from memory_mcp.errors import DamagedError, NotFoundError
from memory_mcp.models.receipts import Receipt
from memory_mcp.models.rules import Check, FoundRule, Quote, Rule, RuleAction, RuleState
from memory_mcp.models.voices import Voice
from memory_mcp.storage import checksums, documents
from memory_mcp.storage.database import Database, Row, Session
from memory_mcp.storage.documents import NewDocument, Writer

_COLUMNS = (
    "d.key, d.id, p.name, r.text, r.state, d.created_at, r.action, r.forbids, r.decided_at, r.identity, r.checksum"
)
_TABLES = "rules r JOIN documents d ON d.key = r.key JOIN projects p ON p.key = d.project_key"
_MOST_QUOTES = 20  # of one rule that are read


class RuleStore:
    """Rules behind one project's wall."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._writer = writer

    def sync(self, session: Session, source_key: int, found: Sequence[FoundRule]) -> None:
        """Make these the rules that a record speaks of; what the user decided about them stays."""
        cleaned = [self._writer.redactor.clean(each) for each in found]
        session.run("DELETE FROM rule_quotes WHERE source_key = ? AND rule_key NOT IN ("
                    "SELECT key FROM rules WHERE identity IN (SELECT value FROM json_each(?)))",
                    (source_key, documents.texts_json(each.identity for each in cleaned)))  # fmt: skip
        for each in cleaned:
            key = self._key_of(session, each.identity)
            if key is None:
                key = self._insert(session, each, "user", is_added=False)
            session.run(
                "INSERT OR REPLACE INTO rule_quotes (rule_key, source_key, said_at, text) VALUES (?, ?, ?, ?)",
                (key, source_key, each.said_at, each.text),
            )

    def add(self, given: FoundRule, voice: Voice) -> Receipt:
        """Store a rule that the user states; it is accepted at once if it is the user's own word."""
        with self._database.write() as session:
            cleaned = self._writer.redactor.clean(given)
            key = self._key_of(session, cleaned.identity)
            if key is None:
                key = self._insert(session, cleaned, voice, is_added=True)
            state: RuleState = "accepted" if voice == "user" else "proposed"
            session.run("UPDATE rules SET state = ?, decided_at = ?, is_added = 1 WHERE key = ?",
                        (state, given.said_at, key))  # fmt: skip
            documents.revise(session, key)
            return documents.seal(session, self._writer, "create", _id_of(session, key))

    def decide(self, rule_id: str, state: RuleState, action: RuleAction | None, at: int) -> Receipt:
        """Accept or reject a rule, or set what a breach of it leads to.

        Raises:
            NotFoundError: no such rule here.

        """
        with self._database.write() as session:
            key = documents.locate(session, self._writer, "rule", rule_id)
            session.run(
                "UPDATE rules SET state = ?, decided_at = ?, action = coalesce(?, action) WHERE key = ?",
                (state, at, action, key),
            )
            documents.revise(session, key)
            return documents.seal(session, self._writer, state, rule_id)

    def delete(self, rule_id: str) -> Receipt:
        """Erase a rule; what is said again later is proposed again.

        Raises:
            NotFoundError: no such rule here.

        """
        with self._database.write() as session:
            return documents.delete(session, self._writer, "rule", rule_id)

    def get(self, rule_id: str) -> Rule:
        """Return a rule.

        Raises:
            NotFoundError: no such rule here.
            DamagedError: it does not match its checksum.

        """
        with self._database.read() as session:
            rows = self._rows(session, "d.id = ?", (rule_id,))
            rules, damaged = self._loaded(session, rows)
        if damaged:
            raise DamagedError(next(iter(damaged.values())))
        if not rules:
            raise NotFoundError(f"no rule {rule_id} in project {self._writer.wall.project}")
        return rules[0]

    def in_states(self, states: Sequence[RuleState]) -> tuple[Sequence[Rule], int]:
        """Return the rules in these states, those said most often first, and how many damaged ones were left out."""
        with self._database.read() as session:
            rows = self._rows(session, "r.state IN (SELECT value FROM json_each(?))", (documents.texts_json(states),))
            rules, damaged = self._loaded(session, rows)
        documents.set_aside(self._database, self._writer.clock, damaged)
        return sorted(rules, key=lambda rule: (-rule.count, -rule.made_at, rule.id)), len(damaged)

    def has_checked(self) -> bool:
        """Whether any accepted rule can be checked: mostly none, and a hook need not load what reads commands."""
        with self._database.read() as session:
            return bool(
                session.value(
                    "SELECT 1 FROM rules r JOIN documents d ON d.key = r.key WHERE r.state = 'accepted'"
                    f" AND r.forbids IS NOT NULL AND {self._writer.wall.visible()} LIMIT 1"
                )
            )

    def checked(self) -> Sequence[Rule]:
        """Return the accepted rules that a program can check."""
        with self._database.read() as session:
            return self._loaded(session, self._rows(session, "r.state = 'accepted' AND r.forbids IS NOT NULL", ()))[0]

    def decided(self, session: Session) -> Sequence[tuple[Rule, str]]:
        """Return the rules of this project that the user decided about or added, with their identities."""
        rows = session.rows(
            f"SELECT {_COLUMNS} FROM {_TABLES} WHERE d.project_key = ? AND (r.state <> 'proposed' OR r.is_added)"
            " ORDER BY d.created_at, d.key",
            (self._writer.wall.project_key,),
        )
        identities = {row[1]: row[9] for row in rows}
        return [(rule, identities[rule.id]) for rule in self._loaded(session, rows)[0]]

    def restore(self, session: Session, rule: Rule, identity: str) -> int:
        """Store a rule of an archive, unless it is known; whose word it was nobody can know, so none is accepted."""
        found = self._writer.redactor.clean(FoundRule(rule.text, identity, rule.made_at, rule.check))
        key = self._key_of(session, found.identity)
        if key is not None:
            return 0
        key = self._insert(session, found, "import", is_added=True)
        if rule.state == "rejected":
            session.run("UPDATE rules SET state = 'rejected', decided_at = ? WHERE key = ?", (rule.decided_at, key))
        documents.revise(session, key)
        return 1

    def _key_of(self, session: Session, identity: str) -> int | None:
        key = session.value(
            "SELECT r.key FROM rules r JOIN documents d ON d.key = r.key"
            f" WHERE r.identity = ? AND d.project_key IN {self._writer.wall.among}",
            (identity,),
        )
        return None if key is None else int(key)

    def _insert(self, session: Session, found: FoundRule, voice: Voice, *, is_added: bool) -> int:
        document = NewDocument(
            id=self._writer.clock.new_id(),
            kind="rule",
            created_at=found.said_at,
            tags=(),
            is_global=False,
            source=None,
            voice=voice,
        )
        key = documents.insert(session, self._writer, document)
        forbids = None if found.check is None else msgspec.json.encode(found.check).decode()
        session.run(
            "INSERT INTO rules (key, text, identity, state, action, forbids, is_added, checksum)"
            " VALUES (?, ?, ?, 'proposed', 'ask', ?, ?, ?)",
            (
                *(key, found.text, found.identity, forbids, int(is_added)),
                checksums.RULE.checksum(_columns(found.text, found.identity, forbids)),
            ),
        )
        return key

    def _rows(self, session: Session, condition: str, bindings: Sequence[Any]) -> list[Row]:
        return session.rows(
            f"SELECT {_COLUMNS} FROM {_TABLES} WHERE {condition} AND {self._writer.wall.visible()}"
            " ORDER BY d.created_at DESC, d.key DESC",
            bindings,
        )

    def _loaded(self, session: Session, rows: Sequence[Row]) -> tuple[list[Rule], dict[int, str]]:
        quotes = _quotes(session, documents.keys_json(row[0] for row in rows))
        rules: list[Rule] = []
        damaged: dict[int, str] = {}
        for key, rule_id, project, text, state, made_at, action, forbids, decided_at, identity, stored in rows:
            if not checksums.RULE.match(stored, _columns(text, identity, forbids)):
                damaged[key] = f"rule {rule_id} does not match its checksum"
                continue
            check = None if forbids is None else msgspec.json.decode(forbids, type=Check)
            said = tuple(quotes.get(key, ()))
            rules.append(Rule(rule_id, project, text, state, made_at, action, check, said, decided_at))
        return rules, damaged


def _quotes(session: Session, keys: str) -> dict[int, list[Quote]]:
    found: dict[int, list[Quote]] = {}
    for key, text, source_id, said_at in session.rows(
        "SELECT q.rule_key, q.text, d.id, q.said_at FROM rule_quotes q JOIN documents d ON d.key = q.source_key"
        " WHERE q.rule_key IN (SELECT value FROM json_each(?)) ORDER BY q.said_at DESC",
        (keys,),
    ):
        said = found.setdefault(key, [])
        if len(said) < _MOST_QUOTES:
            said.append(Quote(text, source_id, said_at))
    return found


def _id_of(session: Session, key: int) -> str:
    return str(session.value("SELECT id FROM documents WHERE key = ?", (key,)))


def _columns(text: str, identity: str, forbids: str | None) -> dict[str, Any]:
    return {"text": text, "identity": identity, "forbids": forbids}
