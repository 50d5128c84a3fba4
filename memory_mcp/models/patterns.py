"""This module defines a pattern: what several episodes show alike, with the evidence for it."""

from typing import Literal

from msgspec import Struct

PatternKind = Literal["tool_sequence", "decision_point", "error_recovery", "context_pattern"]


class ToolSequence(Struct, frozen=True, tag="tool_sequence", tag_field="kind"):
    """A contiguous run of normalised actions that recurs."""

    tokens: tuple[str, ...]


class DecisionPoint(Struct, frozen=True, tag="decision_point", tag_field="kind"):
    """A check whose result decides the next step."""

    check: str


class ErrorRecovery(Struct, frozen=True, tag="error_recovery", tag_field="kind"):
    """An error, and what made the failing action pass."""

    signature: str


class ContextPattern(Struct, frozen=True, tag="context_pattern", tag_field="kind"):
    """A place (a file in a language, framework and domain) and the approach that works there."""

    file: str
    task_type: str = ""
    domain: str = ""
    language: str = ""
    framework: str = ""


Definition = ToolSequence | DecisionPoint | ErrorRecovery | ContextPattern


def kind_of(definition: Definition) -> PatternKind:
    """Name the kind as tools and tables write it."""
    names: dict[type, PatternKind] = {
        ToolSequence: "tool_sequence",
        DecisionPoint: "decision_point",
        ErrorRecovery: "error_recovery",
        ContextPattern: "context_pattern",
    }
    return names[type(definition)]


def title_of(definition: Definition) -> str:
    """Say a definition in a line."""
    match definition:
        case ToolSequence(tokens):
            return " → ".join(tokens)
        case DecisionPoint(check):
            return f"decide by {check}"
        case ErrorRecovery(signature):
            return f"recover from {signature}"
        case ContextPattern(file, task_type, domain, language, framework):
            place = " ".join(filter(None, (task_type, domain, language, framework)))
            return f"work on {file}" + (f" ({place})" if place else "")


class Branch(Struct, frozen=True):
    """What followed one result of a check in one episode: the next action, how often, how often that led on.

    `led_on` counts, for a failed check, that its next run passed; for a passed one, that the episode succeeded.
    """

    passed: bool
    next: str
    times: int
    led_on: int


class Run(Struct, frozen=True, tag="run", tag_field="type"):
    """The real commands of a tool sequence in one episode."""

    commands: tuple[str, ...]


class Branches(Struct, frozen=True, tag="branches", tag_field="type"):
    """Both branches of a decision point in one episode."""

    branches: tuple[Branch, ...]


class Fix(Struct, frozen=True, tag="fix", tag_field="type"):
    """One error in one episode: the failing action, what made it pass (empty: nothing did), what did not.

    `files` are those that the fix changed, `tries` counts the runs that showed the error.
    """

    error: str
    action: str
    fix: tuple[str, ...] = ()
    attempts: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    tries: int = 1


class Approach(Struct, frozen=True, tag="approach", tag_field="type"):
    """What one episode did in a place: other files that it changed, checks that it ran."""

    companions: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()


Detail = Run | Branches | Fix | Approach


class Evidence(Struct, frozen=True):
    """What one episode says for or against a pattern; `share` is 1 for a success, 0 for none, between for a part."""

    episode_id: str
    share: float
    reward: float | None
    seen_at: int
    detail: Detail
    task: str = ""


class Finding(Struct, frozen=True):
    """A pattern as an extractor finds it: the definition, and evidence by episode."""

    definition: Definition
    evidence: tuple[Evidence, ...]


class Tally(Struct, frozen=True):
    """Uses of a pattern and how many of them went well; parts count as parts."""

    uses: int = 0
    wins: float = 0.0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(self.uses + other.uses, self.wins + other.wins)


class Pattern(Struct, frozen=True):
    """A stored pattern; times are microseconds UTC.

    `seen` counts the episodes that show it, `followed` the recommendations that were acted on or judged.
    `evidence` holds the newest of it, `also` the other definitions that are the same. `reward_difference` is the mean
    reward of its episodes less that of all other completed episodes of the project, None while either side is empty.
    """

    id: str
    project: str
    definition: Definition
    seen: Tally
    followed: Tally
    first_seen: int
    last_seen: int
    reward_difference: float | None = None
    retired_at: int | None = None
    evidence: tuple[Evidence, ...] = ()
    also: tuple[Definition, ...] = ()

    @property
    def kind(self) -> PatternKind:
        """The kind of its definition."""
        return kind_of(self.definition)

    @property
    def tally(self) -> Tally:
        """All that is known for and against it."""
        return self.seen + self.followed


class PatternFilter(Struct, frozen=True):
    """Which patterns a listing shows; None means any, retired ones only on demand."""

    kind: PatternKind | None = None
    least_uses: int = 1
    include_retired: bool = False


class PatternPage(Struct, frozen=True):
    """Patterns, the ones with most episodes first, and the cursor of the next page."""

    patterns: tuple[Pattern, ...]
    next_cursor: str | None = None


class Heuristic(Struct, frozen=True):
    """When `condition`, do `action`: it did so in `times` of `of` cases, over `episodes` episodes."""

    condition: str
    action: str
    times: int
    of: int
    episodes: int
