"""What was learnt, in the terminal."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from memory_cli.drawing import bar, sparkline
from tests.cli.conftest import Run, as_json

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data"
TASK = "checkout loses the basket when the session expires"


def solve(run: Run, task: str, outcome: str = "success") -> tuple[str, Result]:
    episode_id = run("episode", "create", task, "--type", "bug_fix", "--domain", "checkout").stdout.strip()
    step = ("episode", "log-step", episode_id)
    run(*step, "bash", "pytest tests/test_cart.py", "--result", "error", "--output", "SessionError: basket 41 is gone")
    run(*step, "edit", "keep it in the cookie", "--result", "success", "--parameters", '{"file": "shop/session.py"}')
    run(*step, "bash", "pytest tests/test_cart.py", "--result", "success", "--output", "1 passed in 0.1s")
    run(*step, "bash", "git commit -m done", "--result", "success")
    return episode_id, run("episode", "complete", episode_id, "--outcome", outcome)


@pytest.fixture
def shop(run: Run) -> Run:
    """A terminal on a memory with two mended sessions."""
    solve(run, TASK)
    solve(run, "expired sessions of guests break the order page")
    return run


def test_completing_shows_the_reward_part_by_part_and_what_was_learnt(run: Run) -> None:
    _, closed = solve(run, TASK)

    assert "× complexity 1 × quality" in closed.stdout
    assert "+ learning bonus 0.1" in closed.stdout
    assert (
        "learnt: recover from SessionError: basket <n> is gone. Seen in 1 episode only; it went well." in closed.stdout
    )
    assert "success: Step 3 (pytest tests/test_cart.py) passed after step 1 had failed" in closed.stdout


def test_patterns_are_listed_viewed_searched_and_recommended(shop: Run) -> None:
    listed = as_json(shop("pattern", "list", "--kind", "error_recovery", "--json"))["patterns"]
    (pattern_id,) = [each["id"] for each in listed]

    assert "recover from SessionError: basket <n> is gone" in shop("pattern", "list").stdout
    viewed = shop("pattern", "view", pattern_id).stdout
    assert "do: edit: keep it in the cookie [shop/session.py]" in viewed
    assert "why: Seen in 2 episodes, 2 of them went well (95 % lower bound 0.34)." in viewed
    assert "rule: on the error 'SessionError: basket <n> is gone': edit: keep it" in viewed
    assert pattern_id in shop("pattern", "search", "SessionError basket").stdout
    assert "no pattern is known" in shop("pattern", "search", "kilimanjaro").stdout
    recommended = shop("pattern", "recommend", "SessionError: basket <n> is gone").stdout
    assert "not when: It rests on 2 episodes: check it first." in recommended
    assert "memory-cli feedback helped " in recommended
    assert "nothing relevant is remembered" in shop("pattern", "recommend", "kilimanjaro").stdout
    paged = shop("pattern", "list", "--limit", "1").stdout
    assert "More: --cursor " in paged


def test_patterns_are_analyzed_and_their_effectiveness_is_drawn(shop: Run) -> None:
    analysis = shop("pattern", "analyze").stdout
    assert "2 completed episodes" in analysis
    assert "when pytest fails" in analysis
    drawn = shop("pattern", "effectiveness").stdout
    assert "0.34" in drawn
    assert "█" in drawn
    assert "recommendations: 0 given" in drawn


def test_extraction_counts_and_decay_shows_before_it_does(shop: Run) -> None:
    counts = as_json(shop("pattern", "extract", "--json"))
    assert counts["error_recovery"] == [1, 0, 0]
    assert "0 patterns would retire" in shop("pattern", "decay", "--dry-run").stdout

    strict = ("--set", "learning.retire_below=1")
    assert "would retire" in shop(*strict, "pattern", "decay", "--dry-run").stdout
    assert as_json(shop("pattern", "list", "--json"))["patterns"] != []
    assert "retired (half-life 90 days, bound 1)" in shop(*strict, "pattern", "decay").stdout
    assert as_json(shop("pattern", "list", "--json"))["patterns"] == []
    assert "(retired)" in shop("pattern", "list", "--all").stdout


def test_a_playbook_is_made_seen_again_and_judged(shop: Run) -> None:
    made = as_json(shop("playbook", "recommend", "guests lose the basket in checkout", "--json"))

    viewed = shop("playbook", "view", made["id"]).stdout
    assert "1. edit: keep it in the cookie [shop/session.py]  [in 2 of 2 similar episodes]" in viewed
    assert "pitfall: pytest tests/test_cart.py failed 2×: SessionError: basket 41 is gone" in viewed
    assert made["id"] in shop("playbook", "list").stdout
    assert "followed 1×, 1 went well" in shop("feedback", "helped", made["id"], "--rating", "5").stdout
    assert "nothing relevant is remembered" in shop("playbook", "recommend", "kilimanjaro").stdout
    shop("playbook", "view", "nope", code=1)


def test_a_check_shows_the_dead_end_and_is_silent_without_evidence(shop: Run) -> None:
    shown = shop("check", "pytest tests/test_cart.py").stdout

    assert "failed 2 of 4 runs in 2 episodes" in shown
    assert "worked instead: edit: keep it in the cookie [shop/session.py]" in shown
    assert shop("check", "cargo build").stdout == ""
    assert as_json(shop("check", "cargo build", "--json"))["dead_ends"] == []


def test_lift_says_that_there_is_not_enough_data(shop: Run) -> None:
    assert shop("lift").stdout.startswith("not enough data: 0 episodes with recall and 0 without, 10 of each")


def test_lift_draws_the_comparison(shop: Run) -> None:
    for number in range(4):
        share = ("--set", f"learning.withhold_share={number % 2}")
        episode_id = shop("episode", "create", f"basket {number}").stdout.strip()
        shop(*share, "playbook", "recommend", "lost basket in checkout", "--episode", episode_id)
        shop("episode", "complete", episode_id, "--outcome", "failure" if number % 2 else "success", "--confirmed")
    least = ("--set", "learning.lift_least=2", "lift")

    assert as_json(shop(*least, "--json"))["differences"][0]["difference"] == 1.0
    drawn = shop(*least).stdout
    assert "With recall (2 episodes) less without (2)" in drawn
    assert "+1.00" in drawn


def test_a_handoff_travels_as_a_file(shop: Run, tmp_path: Path) -> None:
    episode_id = shop("episode", "create", "mend the logout", "--tag", "ci").stdout.strip()
    made = shop("handoff", "create", episode_id, "--note", "half done", "--next", "write the test").stdout.strip()
    assert "half done" in shop("handoff", "list").stdout
    assert "next: write the test" in shop("handoff", "view", made).stdout
    file = tmp_path / "handoff.json"
    shop("handoff", "export", made, str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["format"] == "memory-mcp handoff 1"
    assert json.loads(shop("handoff", "export", made, "-").stdout) == json.loads(file.read_text())
    refused = shop("handoff", "export", made, str(file), code=1)
    assert "is there already; --force replaces it" in str(refused.exception)

    taken = shop("--project", "other", "handoff", "import", str(file)).stdout.strip()
    resumed = shop("--project", "other", "handoff", "resume", taken).stdout.strip()

    viewed = shop("--project", "other", "episode", "view", resumed).stdout
    assert "mend the logout" in viewed
    assert "#ci" in viewed
    assert "→ follows" in viewed
    shop("handoff", "import", str(tmp_path / "absent"), code=1)


def test_relationships_are_added_drawn_ordered_and_removed(run: Run) -> None:
    one, two, three = [run("episode", "create", f"task {number}").stdout.strip() for number in range(3)]
    run("relationship", "add", two, "follows", one)
    run("relationship", "add", three, "follows", two)

    assert "would close a circle" in str(run("relationship", "add", one, "follows", three, code=1).exception)
    assert two in run("relationship", "list", one).stdout
    tree = run("relationship", "graph", one, "--depth", "2").stdout
    assert "└── ← follows" in tree
    assert "task 2" in tree
    assert run("relationship", "graph", one, "--form", "dot").stdout.startswith("digraph memory {")
    assert as_json(run("relationship", "graph", one, "--form", "json"))["depths"] == {one: 0, two: 1, three: 2}
    assert run("relationship", "order", "follows").stdout.split() == [one, two, three]
    run("relationship", "remove", three, "follows", two)
    assert len(as_json(run("relationship", "list", "--json"))) == 1


def test_tags_are_added_renamed_listed_and_removed(run: Run) -> None:
    note = run("note", "add", "staging runs on port 5433").stdout.strip()

    assert run("tag", "add", note, "db", "infra").stdout == "db infra\n"
    assert run("tag", "rename", "db", "database").stdout == "renamed on 1 record\n"
    assert as_json(run("tag", "list", "--json")) == [
        {"tag": "database", "records": 1},
        {"tag": "infra", "records": 1},
    ]
    assert run("tag", "remove", note, "infra").stdout == "database\n"
    assert "database" in run("tag", "list").stdout


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("pattern", "list"), "No patterns in project desk. They come from completed episodes"),
        (("pattern", "analyze"), "No completed episodes in project desk, so there is nothing to analyze."),
        (("playbook", "list"), "No playbooks in project desk. Make one with"),
        (("handoff", "list"), "No handoffs in project desk. Make one with"),
        (("relationship", "list"), "No relationships of desk. Add one with"),
        (("tag", "list"), "No tags in project desk. Add one with"),
        (("pattern", "decay"), "0 patterns retired"),
    ],
)
def test_an_empty_memory_says_what_to_do_next(run: Run, words: tuple[str, ...], sentence: str) -> None:
    assert sentence in run(*words).stdout


def test_bars_and_sparklines_span_what_they_show() -> None:
    assert bar(0.0, 1.0) == "█" * 24
    assert bar(0.5, 0.75) == "·" * 12 + "█" * 6 + "·" * 6
    assert len(bar(1.0, 1.0)) == 24
    assert sparkline([0.0, 1.0]) == ("▁█", 0.0, 1.0)
    line, low, high = sparkline([1.0] * 100)
    assert (len(line), low, high) == (40, 1.0, 1.0)


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data beside the checkout")
def test_true_patterns_come_out_of_real_histories(run: Run) -> None:
    run("import", "git", str(DATA / "git" / "llm.jsonl.gz"))
    run("--project", "agents", "import", "swe-agent", *map(str, sorted((DATA / "swe-agent").glob("*.traj"))))

    rules = {
        (each["rule"]["condition"], each["rule"]["action"])
        for each in as_json(run("pattern", "analyze", "--json"))["rules"]
    }
    assert ("when you change llm/migrations.py", "change tests/test_logs_store.py too") in rules
    found: list[dict[str, Any]] = as_json(run("--project", "agents", "pattern", "list", "--json"))["patterns"]
    sequences = {
        tuple(each["definition"]["tokens"]): each for each in found if each["definition"]["kind"] == "tool_sequence"
    }
    assert sequences == {}  # submitted, which is a claim
