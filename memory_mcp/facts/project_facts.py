"""This module answers what is known of a project: its facts, and the files that a task is about."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from memory_mcp.facts.counting import Group, grouped
from memory_mcp.facts.deriving import facts_of
from memory_mcp.facts.file_facts import customary_files
from memory_mcp.facts.ranking import OWN_TREE, Files, is_telling, vote
from memory_mcp.facts.task_words import words_of
from memory_mcp.models.facts import Fact, FileVote, Topic
from memory_mcp.models.surveys import Survey
from memory_mcp.storage.store import Store
from memory_mcp.worktrees.tracked import tracked_files
from memory_mcp.worktrees.trees import WorkTree

_OF_FILES = {"file", "together"}
_MANY_TASKS = 50  # from which what similar tasks changed names files by itself
_LEAST_SIMILAR = 2
_MOST_OF_SIMILAR = 3
_MOST_SURVEYS = 1_000  # the newest; what only older episodes show has had its time


class ProjectFacts:
    """What the episodes of one project show about it, derived anew from their surveys at each question."""

    def __init__(self, store: Store, tree: WorkTree | None = None) -> None:
        self._store = store
        self._tree = tree

    def known(self) -> "Knowledge":
        """Read the surveys, for several questions about the same state."""
        tracked = tracked_files(self._tree) if self._tree else frozenset[str]()
        return Knowledge(grouped(self._store.digests.surveys(_MOST_SURVEYS)), tracked)

    def list(self, topic: Topic | None = None) -> list[Fact]:
        """Return the facts of the project in the order in which a newcomer needs them."""
        return [fact for fact in self.known().facts() if topic is None or fact.topic == topic]


class Knowledge:
    """The facts of a project at one moment."""

    def __init__(self, groups: Sequence[Group], tracked: frozenset[str] = frozenset()) -> None:
        self.groups = groups
        self._tracked = tracked
        self._tasks: dict[str, str] = {}

    def facts(self) -> list[Fact]:
        """Return the facts in the order in which a newcomer needs them, without those about files that are gone."""
        facts = facts_of(_at_hand(self.groups, self._tracked))
        named = [fact.do for fact in facts if fact.topic in _OF_FILES]
        if sum(file in self._tracked for file in named) < OWN_TREE * len(named):
            return facts  # nobody knows what git has, or the episodes worked in another work tree
        return [fact for fact in facts if fact.topic not in _OF_FILES or fact.do in self._tracked]

    def files(self, task: str, similar: Mapping[str, float], limit: int = 5) -> list[FileVote]:
        """Return the files that a task is about; none where neither its words nor similar tasks point to any."""
        files = Files(self.groups)
        votes = vote(task, files, similar, limit, self._tracked)
        if not similar and not is_telling(votes) and not files.packages.keys() & set(words_of(task)):
            return []
        named = {each.file for each in votes}
        besides = [*self._of_similar(similar), *customary_files(self.groups)]
        found = {each.file: each for each in reversed(besides) if each.file not in named}
        ordered = [found[each.file] for each in besides if found.get(each.file) is each]
        at_hand = [each for each in ordered if not self._tracked or each.file in self._tracked]
        return [*votes, *at_hand][:limit]

    def _of_similar(self, similar: Mapping[str, float]) -> list[FileVote]:
        """Return the files that similar tasks changed, in a project with so many tasks that this tells something."""
        if len(self.groups) < _MANY_TASKS:
            return []
        weights: dict[str, float] = {}
        times: Counter[str] = Counter()
        for group in self.groups:
            alike = max((similar.get(each.episode_id, 0.0) for each in group.members), default=0.0)
            changed = {file for each in group.members for file in each.survey.changed} if alike > 0 else set()
            for file in changed:
                weights[file] = weights.get(file, 0.0) + alike
            times.update(changed)
        return [
            FileVote(file, weight, (f"{times[file]} similar tasks changed it",), 0.0)
            for file, weight in sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_OF_SIMILAR]
            if times[file] >= _LEAST_SIMILAR
        ]

    def concerns(self, task: str) -> bool:
        """Whether a task names a package of the project: its facts are wanted even where no file can be named."""
        return not Files(self.groups).packages.keys().isdisjoint(words_of(task))

    def tried(self, episode_id: str) -> list[float | None]:
        """Return how the runs of an episode's task went, the newest first."""
        for group in self.groups:
            if any(each.episode_id == episode_id for each in group.members):
                return [each.share for each in reversed(group.members)]
        return []

    def task_of(self, episode_id: str) -> str:
        """Return the episode that stands for all of its task, itself where it left no survey."""
        if not self._tasks:
            self._tasks = {
                each.episode_id: group.members[0].episode_id for group in self.groups for each in group.members
            }
        return self._tasks.get(episode_id, episode_id)

    def changed(self, episode_id: str) -> frozenset[str]:
        """Return the files that an episode left changed."""
        return next(
            (
                frozenset(each.survey.changed)
                for group in self.groups
                for each in group.members
                if each.episode_id == episode_id
            ),
            frozenset(),
        )


def _at_hand(groups: Sequence[Group], tracked: frozenset[str]) -> Sequence[Group]:
    """Take from the surveys the traps in files that git no longer has."""
    sources = Files(groups).sources
    if not tracked or sum(path in tracked for path in sources) < OWN_TREE * len(sources):
        return groups  # nobody knows what git has, or the episodes worked in another work tree
    names = {_name(path) for path in tracked}
    return [
        Group(tuple(replace(each, survey=_kept(each.survey, tracked, names)) for each in group.members))
        for group in groups
    ]


def _kept(survey: Survey, tracked: frozenset[str], names: Collection[str]) -> Survey:
    around = [
        replace(made, files=tuple(file for file in made.files if file in tracked))
        for made in survey.workarounds
        if not made.files or not tracked.isdisjoint(made.files)
    ]
    ended = {made.error for made in survey.workarounds}
    left = {made.error for made in around}
    return replace(  # tests are named from where they ran: only the names of their files compare
        survey,
        workarounds=tuple(around),
        gone={error: file for error, file in survey.gone.items() if error in left or error not in ended},
        failing=tuple(test for test in survey.failing if _name(test.split("::")[0]) in names),
        red=tuple(test for test in survey.red if _name(test.split("::")[0]) in names),
        red_errors=tuple((error, file) for error, file in survey.red_errors if not file or _name(file) in names),
        absent=tuple(path for path in survey.absent if path not in tracked),
    )


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]
