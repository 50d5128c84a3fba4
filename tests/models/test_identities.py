"""The decision which project a directory belongs to: only what is proved joins."""

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from memory_mcp.models.identities import Decision, Evidence, Known, Stamp, contradicts, decide, kept_apart

STAMP = Stamp("1:2:3", "92:5")
roots = st.sampled_from(["", "r1", "r2"])
remotes = st.lists(st.sampled_from(["h/a", "h/b", "h/c"]), unique=True, max_size=3).map(tuple)
stamps = st.sampled_from([Stamp(), STAMP, Stamp("1:2:3", "99:9"), Stamp("9:9:9", "92:5"), Stamp("", "1:1")])


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    root, found = draw(roots), draw(remotes)
    primary = draw(st.sampled_from(["", *found]))
    return Evidence("/p", draw(stamps), root, not root and draw(st.booleans()), found, primary)


@st.composite
def projects(draw: st.DrawFn) -> list[Known]:
    count = draw(st.integers(0, 4))
    here = draw(st.integers(-1, count))
    return [
        Known(
            *(key, draw(st.sampled_from(["/p", "h/a", f"x{key}"]))),
            roots=frozenset(draw(st.lists(st.sampled_from(["r1", "r2"])))),
            remotes=frozenset(draw(remotes)),
            here=draw(stamps) if key == here else None,
            is_gone=draw(st.booleans()),
            is_adoptable=False,
        )
        for key in range(count)
    ]


@given(evidences(), projects())
def test_nothing_but_a_known_path_is_joined_without_a_root(evidence: Evidence, known: list[Known]) -> None:
    assume(not evidence.root)

    decision = decide(evidence, known)

    assert decision.reason in {"path", "new"}
    assert decision.key is None or known[decision.key].here is not None


@given(evidences(), projects())
def test_whoever_joins_from_a_new_path_shares_the_root_and_the_remote_or_has_none(
    evidence: Evidence, known: list[Known]
) -> None:
    decision = decide(evidence, known)

    if decision.reason in {"clone", "moved"}:
        assert decision.key is not None
        joined = known[decision.key]
        assert evidence.root in joined.roots
        assert evidence.primary in joined.remotes or (not evidence.remotes and not joined.remotes and joined.is_gone)


@given(evidences(), projects())
def test_a_directory_that_was_joined_is_known_by_its_path_from_then_on(evidence: Evidence, known: list[Known]) -> None:
    key = decide(evidence, known).key or 0
    assume(known)
    again = [msgspec.structs.replace(each, here=evidence.stamp if each.key == key else None) for each in known]

    assert decide(evidence, again) == Decision(key, "path")


@given(evidences(), projects())
def test_the_order_in_which_projects_are_listed_does_not_decide_who_is_joined(
    evidence: Evidence, known: list[Known]
) -> None:
    assert decide(evidence, known).key == decide(evidence, known[::-1]).key


@given(evidences(), projects())
def test_a_directory_without_shared_evidence_never_looks_like_a_project(evidence: Evidence, known: list[Known]) -> None:
    decision = decide(evidence, known)

    if decision.like is not None:
        like = known[decision.like]
        assert (
            like.here is not None
            or evidence.root in like.roots
            or like.remotes.intersection(evidence.remotes)
            or like.name in evidence.names
        )


def test_remotes_of_a_project_with_the_same_root_stay_with_it() -> None:
    fork = Evidence("/fork", STAMP, "r1", remotes=("h/a", "h/fork"), primary="h/fork")
    upstream = Known(1, "h/a", frozenset(["r1"]), frozenset(["h/a"]))
    forged = Known(2, "h/x", frozenset(["r9"]), frozenset(["h/fork"]))

    assert kept_apart(fork, 3, [upstream, forged]) == {"h/a"}
    assert kept_apart(fork, 1, [upstream, forged]) == frozenset()


@pytest.mark.parametrize(
    ("evidence", "here", "expected"),
    [
        (Evidence("/p"), Known(1, "x", roots=frozenset(["r1"]), here=STAMP), False),  # a plain directory by now
        (Evidence("/p", STAMP, "r2"), Known(1, "x", roots=frozenset(["r1"]), here=STAMP), False),  # another branch
        (Evidence("/p", Stamp("9:9:9", "1"), "r2"), Known(1, "x", roots=frozenset(["r1"]), here=STAMP), True),
        (Evidence("/p", Stamp("9:9:9", "1"), "r1"), Known(1, "x", roots=frozenset(["r1"]), here=STAMP), False),
        (
            Evidence("/p", Stamp("9:9:9", "1"), "", is_unborn=True),
            Known(1, "x", roots=frozenset(["r1"]), here=STAMP),
            False,
        ),
        (Evidence("/p", Stamp("9:9:9", "1"), ""), Known(1, "x", roots=frozenset(["r1"]), here=STAMP), True),
        (
            Evidence("/p", Stamp("9:9:9", "1"), "", remotes=("h/a",), primary="h/a"),  # cloned again, shallow
            Known(1, "x", roots=frozenset(["r1"]), remotes=frozenset(["h/a"]), here=STAMP),
            False,
        ),
        (Evidence("/p", Stamp("", "1"), "r2"), Known(1, "x", roots=frozenset(["r1"]), here=Stamp("", "2")), True),
        (Evidence("/p", Stamp("9:9:9", "1"), "r1"), Known(1, "x", here=Stamp()), False),  # git came later
    ],
)
def test_a_known_path_is_contradicted_by_another_repository_only(
    evidence: Evidence, here: Known, *, expected: bool
) -> None:
    assert contradicts(evidence, here) is expected


@given(stamps)
def test_a_stamp_is_read_as_it_was_written(stamp: Stamp) -> None:
    assert Stamp.parse(str(stamp)) == stamp
