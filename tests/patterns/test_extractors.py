"""What each extractor finds in an episode, and what it leaves alone."""

import itertools

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from memory_mcp.models.episodes import (
    Context,
    Episode,
    Failure,
    Outcome,
    Step,
    StepError,
    StepResult,
    StepSuccess,
    Success,
)
from memory_mcp.models.patterns import (
    Definition,
    ErrorRecovery,
    Evidence,
    Finding,
    Fix,
)
from memory_mcp.patterns.digests import digest
from memory_mcp.patterns.error_recoveries import error_recoveries
from memory_mcp.patterns.merging import same_as
from memory_mcp.patterns.observations import observe

OK = StepSuccess("ok")
ERROR = StepError("KeyError: user")


def bash(command: str, result: StepResult | None = OK) -> Step:
    return Step("bash", command, result=result)


def edit(file: str, result: StepResult | None = OK) -> Step:
    return Step("edit", "change it", {"file": file}, result)


def episode(*steps: Step, outcome: Outcome | None = None, language: str = "", domain: str = "") -> Episode:
    return Episode(
        id="e1",
        project="here",
        task="mend the login",
        task_type="bug_fix",
        context=Context(domain=domain, language=language),
        started_at=1,
        updated_at=2,
        completed_at=2,
        steps=steps,
        outcome=outcome or Success(evidence="user"),
    )


def details(findings: list[Finding]) -> list[tuple[Definition, object, float]]:
    return [(each.definition, evidence.detail, evidence.share) for each in findings for evidence in each.evidence]


def test_an_error_recovery_keeps_the_fix_and_the_attempts_that_did_not_help() -> None:
    seen = observe(
        episode(
            bash("pytest a.py", ERROR),
            edit("b.py"),
            bash("pytest a.py", ERROR),
            edit("a.py"),
            bash("pytest a.py"),
            outcome=Failure(reason="something else"),
        )
    )

    assert details(error_recoveries(seen)) == [
        (
            ErrorRecovery("KeyError: user"),
            Fix(
                "KeyError: user", "pytest a.py", ("edit: change it [a.py]",), ("edit: change it [b.py]",), ("a.py",), 2
            ),
            1.0,
        )
    ]


def test_a_chain_of_missing_modules_is_two_recoveries_each_with_its_own_cure() -> None:
    def lacks(module: str) -> StepError:
        return StepError(f"ModuleNotFoundError: No module named '{module}'")

    seen = observe(
        episode(
            bash("python tests/runtests.py", lacks("asgiref")),
            bash("pip install asgiref"),
            bash("python tests/runtests.py 2>&1 | tail -5", lacks("pytz")),
            bash("pip install pytz"),
            bash("python tests/runtests.py"),
        )
    )

    found = {finding.definition.signature: finding.evidence[0].detail for finding in error_recoveries(seen)}  # type: ignore[union-attr]  # every finding is an error recovery

    assert {name: (fix.fix, fix.attempts) for name, fix in found.items() if isinstance(fix, Fix)} == {
        "ModuleNotFoundError: No module named 'asgiref'": (("pip install asgiref",), ()),
        "ModuleNotFoundError: No module named 'pytz'": (("pip install pytz",), ()),
    }


def test_an_error_that_stayed_counts_against_its_recovery() -> None:
    seen = observe(episode(bash("make", StepError("error: no rule to make target 7"))))

    ((definition, _, share),) = details(error_recoveries(seen))

    assert (definition, share) == (ErrorRecovery("error: no rule to make target <n>"), 0.0)


def test_a_digest_keeps_retries_and_failures_with_their_remedy() -> None:
    kept = digest(observe(episode(bash("pytest a.py", ERROR), edit("a.py"), edit("a.py"), bash("pytest a.py"))))

    assert (kept.steps, kept.retries, kept.share) == (4, 1, 1.0)
    (failed,) = kept.failed
    assert (failed.shape, failed.failures, failed.runs, failed.remedy) == (
        "pytest a.py", 1, 2, ("edit: change it [a.py]",),
    )  # fmt: skip


SIGNATURES = [
    "KeyError: 'user' is missing in the session store of the shop when the basket is opened",
    "KeyError: 'name' is missing in the session store of the shop when the basket is opened",
    "KeyError: 'user' is missing in the session store of the shop when the order is opened",
    "TypeError: 'user' is missing in the session store of the shop when the basket is opened",
    "KeyError: something else entirely went wrong here",
]


@given(st.lists(st.sampled_from(SIGNATURES), max_size=6), st.randoms())
def test_what_is_one_pattern_does_not_depend_on_the_order_of_sightings(signatures: list[str], random: object) -> None:
    shuffled = list(signatures)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis hands in a Random

    assert groups(signatures) == groups(shuffled) == groups([*signatures, *signatures])


def groups(signatures: list[str]) -> set[frozenset[str]]:
    """Sight errors one after another, joining patterns as the store does."""
    known: dict[Definition, int] = {}
    keys = itertools.count(1)
    for text in signatures:
        definition = ErrorRecovery(text)
        same = same_as(definition, known)
        key = same[0] if same else next(keys)
        known = {other: key if at in same else at for other, at in known.items()} | {definition: key}
    found: dict[int, set[str]] = {}
    for each, key in known.items():
        assert isinstance(each, ErrorRecovery)
        found.setdefault(key, set()).add(each.signature)
    return {frozenset(group) for group in found.values()}


def test_evidence_names_its_episode_reward_and_time() -> None:
    seen = observe(episode(bash("make", ERROR)))

    (finding,) = error_recoveries(seen)

    assert finding.evidence == (Evidence("e1", 0.0, None, 2, Fix("KeyError: user", "make"), "mend the login"),)
    assert msgspec.json.decode(msgspec.json.encode(finding), type=Finding) == finding
