"""This module decides which records may be told without being asked for, and as whose word."""

from collections.abc import Iterable, Sequence

from memory_mcp.errors import NotFoundError
from memory_mcp.models.addressing import speaks_to_agents
from memory_mcp.models.recall import Kind
from memory_mcp.models.voices import Moment, Speaking, Voice
from memory_mcp.storage.store import Store
from memory_mcp.storage.trust_store import Standing
from memory_mcp.telling.confirming import confirmed_part, confirms

_SHORT_HASH = 10
REPORTED = "(reported by an agent, unconfirmed)"
SHOWN = "(noted by an agent, borne out by a later success)"
CONFIRMED = "(said by an agent, confirmed by the user)"
_MADE_BY: dict[Voice, str] = {
    "user": "",
    "repository": "commit",
    "agent": "noted by an agent",
    "tool": "put out by a tool",
    "web": "from the web",
    "import": "imported",
    "team": "from the team",
}


class Trust:
    """Whose word the records of one project are."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def may_speak(self, ids: Iterable[str], moment: Moment) -> dict[str, Speaking]:
        """Return those records that may be told now, each with its label; the others are found by search only.

        What was told five times and never used is among the others.
        """
        wanted = list(dict.fromkeys(ids))
        standings = self._store.trust.standings(wanted) if wanted else {}
        answers = self._answers(standings.values())
        silent = self._store.ledger.fallen_silent(list(standings)) if standings else frozenset()
        found: dict[str, Speaking] = {}
        for each in (standings[id_] for id_ in wanted if id_ in standings and id_ not in silent):
            if said := speaking(each, moment, answers.get(each.key, "")):
                found[each.id] = said
        return found

    def voices(self, ids: Iterable[str]) -> dict[str, Voice]:
        """Return whose word each record is."""
        return {each.id: each.voice for each in self._store.trust.standings(ids).values()}

    def labels(self, ids: Iterable[str]) -> dict[str, str]:
        """Return, for an answer to a question, whose word each record is that is not the user's or the repository's."""
        standings = self._store.trust.standings(ids, everywhere=True).values()
        return {each.id: label for each in standings if (label := _label(each))}

    def reasons(self, standings: Sequence[Standing]) -> dict[str, str]:
        """Say of each record why it does not speak by itself, empty where it does."""
        silent = self._store.ledger.fallen_silent([each.id for each in standings])
        return {each.id: "told five times and never used" if each.id in silent else reason(each) for each in standings}

    def held(self, voice: Voice | None = None, kind: Kind | None = None, limit: int = 20) -> list[Standing]:
        """Return the newest records that do not speak by themselves."""
        return self._store.trust.held(voice, kind, limit)

    def release(self, record_id: str) -> None:
        """Let a record speak, by the user's word; what fell silent speaks again.

        Raises:
            NotFoundError: no such record here.

        """
        self._store.trust.release(record_id)

    def follow(self) -> int:
        """Look for notes of agents that a later success bears out, and return how many are new."""
        from memory_mcp.telling.corroborating import corroborate  # noqa: PLC0415 - only where a session begins or ends

        return corroborate(self._store)

    def drop(self, standing: Standing) -> None:
        """Delete a record; a turn goes with its conversation.

        Raises:
            NotFoundError: it is gone.
            IllegalMoveError: it belongs to another project, or is computed.

        """
        self._store.trust.delete(standing.id)

    def find(self, record_id: str) -> Standing:
        """Return what is known of a record.

        Raises:
            NotFoundError: no such record here.

        """
        found = self._store.trust.standings([record_id]).get(record_id)
        if found is None:
            raise NotFoundError(f"no record {record_id} in project {self._store.wall.project}")
        return found

    def _answers(self, standings: Iterable[Standing]) -> dict[int, str]:
        turns = [each.key for each in standings if each.kind == "turn" and each.voice == "agent"]
        return self._store.trust.answers(turns) if turns else {}


def speaking(standing: Standing, moment: Moment, answer: str = "") -> Speaking | None:
    """Return how a record may be told at a moment, None where it may not; `answer` is what the user said after it."""
    by = made_by(standing)
    if standing.released_at:
        return Speaking(standing.id, standing.voice, f"({by}, released by the user)" if by else "")
    if standing.kind == "pattern":  # computed from runs that we saw: commands and errors, which are quoted
        return Speaking(standing.id, standing.voice) if standing.voice in {"tool", "repository"} else None
    if standing.voice == "user":
        return Speaking(standing.id, "user", with_outcome=standing.outcome_voice == "user")
    if speaks_to_agents(f"{standing.author}\n{standing.text}"):
        return None
    return (
        Speaking(standing.id, "repository", by) if standing.voice == "repository" else _heard(standing, moment, answer)
    )


def _heard(standing: Standing, moment: Moment, answer: str) -> Speaking | None:
    """Return how an agent's word may be told: borne out, confirmed by the user, or the answer to a prompt."""
    if standing.voice != "agent":
        return None
    if standing.shown_by:
        return Speaking(standing.id, "agent", SHOWN)
    if standing.kind not in {"turn", "decision"}:
        return None
    if answer and confirms(answer):
        return Speaking(standing.id, "user", CONFIRMED, confirmed_part(standing.text))
    is_asked = moment == "prompt" and standing.role.lower() in {"user", "human"}
    return Speaking(standing.id, "agent", REPORTED) if is_asked else None


def reason(standing: Standing) -> str:
    """Say why a record does not speak by itself, empty where it does."""
    if speaking(standing, "briefing") is not None:
        return ""
    if standing.voice in {"repository", "agent"} and (orders := speaks_to_agents(standing.text)):
        return f"{made_by(standing)}; it gives an agent orders: '{orders}'"
    return made_by(standing)


def made_by(standing: Standing) -> str:
    """Say whose word a record is, empty for the user's own."""
    if standing.voice == "repository":
        by = f" by {standing.author}" if standing.author else ""
        return f"commit {standing.source_id[:_SHORT_HASH]}{by}"
    if standing.voice == "agent" and standing.kind != "note":
        return "reported by an agent"
    if standing.voice == "import" and standing.source_kind:
        return f"imported from {standing.source_kind}"
    return _MADE_BY[standing.voice]


def _label(standing: Standing) -> str:
    if standing.kind == "pattern" and standing.voice in {"tool", "repository"}:
        return ""
    if standing.kind == "episode" and standing.voice == "user" and standing.outcome_voice != "user":
        return "an agent, but for the user's task"
    return "" if standing.voice in {"user", "repository"} else made_by(standing)
