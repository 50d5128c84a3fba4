"""This module defines an episode: one task, the steps taken, how it ended."""

from typing import Any, Literal

from msgspec import Struct

Status = Literal["active", "completed"]
OutcomeType = Literal["success", "partial_success", "failure", "abstained"]
EvidenceKind = Literal["shown", "user", "claimed"]
EpisodeKind = Literal["task", "conversation"]
Complexity = Literal["simple", "moderate", "complex"]


class StepSuccess(Struct, frozen=True, tag="success", tag_field="type"):
    """The step did what it should."""

    output: str = ""


class StepError(Struct, frozen=True, tag="error", tag_field="type"):
    """The step failed with a message."""

    message: str = ""


class StepTimeout(Struct, frozen=True, tag="timeout", tag_field="type"):
    """The step was given up after waiting."""

    message: str = ""


StepResult = StepSuccess | StepError | StepTimeout


class Step(Struct, frozen=True, omit_defaults=True):
    """One action with one tool; `result` is None while nobody said how it went."""

    tool: str
    action: str
    parameters: dict[str, Any] = {}
    result: StepResult | None = None
    latency_ms: float | None = None
    recorded_at: int = 0

    @property
    def failed(self) -> bool:
        """Whether the step is known to have failed or timed out."""
        return isinstance(self.result, StepError | StepTimeout)


class Success(Struct, frozen=True, tag="success", tag_field="type"):
    """The task was done.

    Of every outcome `evidence` says who says so: `shown` by the output of a test or build, the `user`, or only
    `claimed`. `doubt` is what speaks against it: the last test run, where that failed.
    """

    verdict: str = ""
    artifacts: tuple[str, ...] = ()
    evidence: EvidenceKind = "claimed"
    doubt: str = ""


class PartialSuccess(Struct, frozen=True, tag="partial_success", tag_field="type"):
    """Some of the task was done."""

    verdict: str = ""
    completed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    artifacts: tuple[str, ...] = ()
    evidence: EvidenceKind = "claimed"
    doubt: str = ""


class Failure(Struct, frozen=True, tag="failure", tag_field="type"):
    """The task was tried and not done."""

    reason: str = ""
    verdict: str = ""
    artifacts: tuple[str, ...] = ()
    evidence: EvidenceKind = "claimed"


class Abstained(Struct, frozen=True, tag="abstained", tag_field="type"):
    """The task was given back without trying it to the end."""

    reason: str = ""
    verdict: str = ""
    evidence: EvidenceKind = "claimed"


Outcome = Success | PartialSuccess | Failure | Abstained


def outcome_type(outcome: Outcome) -> OutcomeType:
    """Name the outcome as tools and tables write it."""
    names: dict[type, OutcomeType] = {
        Success: "success",
        PartialSuccess: "partial_success",
        Failure: "failure",
        Abstained: "abstained",
    }
    return names[type(outcome)]


def is_proved(outcome: Outcome | None) -> bool:
    """Whether an outcome is more than somebody's claim."""
    return outcome is not None and outcome.evidence != "claimed"


def share_of(outcome: Outcome | None) -> float | None:
    """Return how much of the task was done; None while active, when given back untried, for a success only claimed.

    Nobody has a reason to claim a failure, so that one is believed.
    """
    if isinstance(outcome, Success | PartialSuccess) and not is_proved(outcome):
        return None
    match outcome:
        case Success():
            return 1.0
        case PartialSuccess(completed=done, failed=missed):
            return len(done) / (len(done) + len(missed)) if done or missed else 0.5
        case Failure():
            return 0.0
        case Abstained() | None:
            return None


class Context(Struct, frozen=True, omit_defaults=True):
    """Where the task belongs; an empty text means that nobody said."""

    domain: str = ""
    language: str = ""
    framework: str = ""
    complexity: Complexity | None = None
    tags: tuple[str, ...] = ()


class Typical(Struct, frozen=True):
    """The median steps and seconds of `episodes` earlier ones of the same domain and task type."""

    episodes: int
    steps: float
    seconds: float


class Reward(Struct, frozen=True):
    """How good a completed episode was: outcome x efficiency x complexity x quality + learning bonus, within 0 and 2.

    `typical` is what efficiency was measured against, None for the defaults that hold before five episodes are known.
    """

    total: float
    outcome: float
    efficiency: float
    quality: float
    complexity: float = 1.0
    learning_bonus: float = 0.0
    typical: Typical | None = None


class Reflection(Struct, frozen=True):
    """What the steps show, in sentences built from evidence."""

    successes: tuple[str, ...] = ()
    improvements: tuple[str, ...] = ()
    insights: tuple[str, ...] = ()


# in an outcome that was read off the steps when an agent's session paused or ended; nobody has judged the task
UNSAID = "nobody said so"
_LIVE = "hooks:"


class Source(Struct, frozen=True, omit_defaults=True):
    """Where a record came from; `id` is unique for its `kind` within a project, `author` who made a commit.

    What hooks record carries the id that the client gives its session, as the import of its transcript does.
    """

    kind: str
    id: str
    author: str = ""

    @property
    def is_imported(self) -> bool:
        """Whether the record was imported, rather than recorded while it happened."""
        return not self.kind.startswith(_LIVE)


def live_kind(client: str) -> str:
    """Return the kind of source of what a client's hooks record."""
    return f"{_LIVE}{client}"


class Episode(Struct, frozen=True):
    """One task with all that is known of it, or a conversation by its title; times are microseconds UTC."""

    id: str
    project: str
    task: str
    task_type: str
    context: Context
    started_at: int
    updated_at: int
    steps: tuple[Step, ...] = ()
    outcome: Outcome | None = None
    completed_at: int | None = None
    reward: Reward | None = None
    reflection: Reflection | None = None
    is_global: bool = False
    source: Source | None = None
    kind: EpisodeKind = "task"

    @property
    def status(self) -> Status:
        """`completed` once there is an outcome."""
        return "active" if self.outcome is None else "completed"


class EpisodeSummary(Struct, frozen=True):
    """One row of a listing: an episode without its steps; `origin` is the kind of source that it was imported from."""

    id: str
    project: str
    task: str
    task_type: str
    context: Context
    started_at: int
    outcome: OutcomeType | None
    completed_at: int | None
    reward: float | None
    step_count: int
    origin: str | None = None
    evidence: EvidenceKind | None = None
    doubt: str = ""

    @property
    def status(self) -> Status:
        """`completed` once there is an outcome."""
        return "active" if self.outcome is None else "completed"


class EpisodeFilter(Struct, frozen=True):
    """Which episodes a listing or a search looks at; None and () mean any."""

    status: Status | None = None
    outcome: OutcomeType | None = None
    domain: str | None = None
    task_type: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None


class EpisodePage(Struct, frozen=True):
    """Rows newest first, the cursor of the next page, and how many damaged records were left out."""

    episodes: tuple[EpisodeSummary, ...]
    next_cursor: str | None = None
    damaged: int = 0
