"""This module knows which episode this server's client is in, and what it asked before that began."""

import logging
import threading

import msgspec

from memory_mcp.errors import BusyError, StoreFullError
from memory_mcp.memory import Memory
from memory_mcp.models.recall import Answer, Query
from memory_mcp.models.recommendations import WITHHELD, Given, Playbook, Wanted

logger = logging.getLogger(__name__)
_MOST_ASKED = 20
_RECORDED = 6 * 3_600_000_000  # microseconds without an event after which a session is taken for over
_AGE = 3_600_000_000  # microseconds; what was asked an hour before belongs to something else


class Session:
    """Records by itself which recommendation was given in which episode; what comes before one is kept for it."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._lock = threading.Lock()
        self._episode_id: str | None = None
        self._asked: list[tuple[int, str, tuple[str, ...]]] = []  # recalls before an episode: time, query, ids
        self._given: list[tuple[int, str]] = []  # recommendations before an episode: time, id
        self._withheld: bool | None = None  # whether the recalls of the episode to come are withheld

    def begin(self, episode_id: str) -> None:
        """Enter an episode; what was asked shortly before belongs to it."""
        with self._lock:
            asked, given, withheld = self._asked, self._given, self._withheld
            self._episode_id, self._asked, self._given, self._withheld = episode_id, [], [], None
        since = self._memory.clock.now() - _AGE
        try:
            if withheld is not None:
                self._memory.advice.note_exposure(episode_id, withheld=withheld)
            self._memory.store.recommendations.adopt(
                [(at, query, ids) for at, query, ids in asked if at >= since],
                [made for at, made in given if at >= since],
                episode_id,
            )
        except (
            BusyError,
            StoreFullError,
        ) as error:  # the episode has begun; only the credit of what was asked before it is lost
            logger.warning("what was asked before episode %s is not kept: %s", episode_id, error)

    def end(self, episode_id: str) -> None:
        """Leave an episode."""
        with self._lock:
            if self._episode_id == episode_id:
                self._episode_id = None

    def recall(self, query: Query) -> Answer:
        """Answer a question, unless the recalls of this episode are withheld; what is being recorded is no answer."""
        episode_id = self._living()
        recorded = self._memory.store.sessions.being_recorded(self._memory.clock.now() - _RECORDED)
        without = (*recorded, *((episode_id,) if episode_id else ()))
        query = msgspec.structs.replace(query, without=without)
        if episode_id is not None:
            return self._memory.advice.recall(query, episode_id=episode_id)
        if self._withholds():
            return Answer((), "keyword", None, degraded=(WITHHELD,))
        answer = self._memory.recall.search(query)
        with self._lock:
            entry = (self._memory.clock.now(), query.text, tuple(hit.id for hit in answer.hits))
            self._asked = [*self._asked, entry][-_MOST_ASKED:]
        return answer

    def patterns(self, wanted: Wanted) -> Given:
        """Recommend patterns."""
        episode_id = self._living()
        if episode_id is None and self._withholds():
            return Given(None, (), WITHHELD)
        given = self._memory.advice.patterns(wanted, episode_id=episode_id)
        self._keep(given.recommendation_id)
        return given

    def playbook(self, wanted: Wanted) -> Playbook:
        """Make a playbook."""
        episode_id = self._living()
        if episode_id is None and self._withholds():
            return Playbook("", wanted.task, self._memory.clock.now(), message=WITHHELD)
        playbook = self._memory.advice.playbook(wanted, episode_id=episode_id)
        self._keep(playbook.id)
        return playbook

    @property
    def episode_id(self) -> str | None:
        """The episode that the client is in, None outside of one."""
        return self._living()

    def _living(self) -> str | None:
        """Return the episode that the client is in, unless somebody has erased it meanwhile."""
        episode_id = self._episode_id
        if episode_id is not None and not self._memory.store.exists(episode_id):
            self.end(episode_id)
            return None
        return episode_id

    def _keep(self, recommendation_id: str | None) -> None:
        if recommendation_id and self._episode_id is None:
            with self._lock:
                self._given = [*self._given, (self._memory.clock.now(), recommendation_id)][-_MOST_ASKED:]

    def _withholds(self) -> bool:
        """Toss once for the episode to come; before one there is nothing else that could decide."""
        if self._memory.settings.learning.withhold_share == 0:
            return False
        with self._lock:
            if self._withheld is None:
                self._withheld = self._memory.advice.toss()
            return self._withheld
