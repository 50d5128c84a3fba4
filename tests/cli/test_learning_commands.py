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


def solve(
    run: Run, task: str, outcome: str = "success", error: str = "SessionError: basket 41 is gone"
) -> tuple[str, Result]:
    episode_id = run("episode", "create", task, "--type", "bug_fix", "--domain", "checkout").stdout.strip()
    step = ("episode", "log-step", episode_id)
    run(*step, "bash", "pytest tests/test_cart.py", "--result", "error", "--output", error)
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


@pytest.fixture
def proved(shop: Run) -> Run:
    """A terminal on a memory with four mended sessions, which prove what mends them."""
    solve(shop, "print the bill twice")
    solve(shop, "count coupons")
    return shop


def test_completing_shows_the_reward_part_by_part_and_what_it_proves(proved: Run) -> None:
    _, closed = solve(proved, "greet guests")

    assert "× complexity 1 × quality" in closed.stdout
    assert "+ learning bonus 0.1" in closed.stdout
    assert "learnt: recover from SessionError: basket <n> is gone. Seen in 5 episodes, 5 of them" in closed.stdout
    assert "success: Step 3 (pytest tests/test_cart.py) passed after step 1 had failed" in closed.stdout


def test_patterns_are_listed_viewed_searched_and_recommended(proved: Run) -> None:
    listed = as_json(proved("pattern", "list", "--kind", "error_recovery", "--json"))["patterns"]
    (pattern_id,) = [each["id"] for each in listed]

    assert "recover from SessionError: basket <n> is gone" in proved("pattern", "list").stdout
    viewed = proved("pattern", "view", pattern_id).stdout
    assert "do: edit: keep it in the cookie [shop/session.py]" in viewed
    assert "why: Seen in 4 episodes, 4 of them went well (95 % lower bound 0.51)." in viewed
    assert "rule: on the error 'SessionError: basket <n> is gone': edit: keep it" in viewed
    assert pattern_id in proved("pattern", "search", "SessionError basket").stdout
    assert "no pattern is known" in proved("pattern", "search", "kilimanjaro").stdout
    recommended = proved("pattern", "recommend", "SessionError: basket <n> is gone").stdout
    assert "why: Those that did it got past the error in 4 tasks (95 % lower bound 0.51), others in 0.48" in recommended
    assert "memory-cli feedback helped " in recommended
    assert "nothing relevant is remembered" in proved("pattern", "recommend", "kilimanjaro").stdout
    solve(proved, "close the till", error="TillError: drawer is stuck")
    again = as_json(proved("pattern", "list", "--json"))["patterns"]
    assert [each["id"] for each in again] == [pattern_id]  # one task proves nothing
    paged = proved("pattern", "list", "--limit", "1", "--all").stdout
    assert "More: --cursor " in paged


def test_what_is_not_proved_is_counted_and_shown_on_demand(run: Run) -> None:
    solve(run, TASK)

    assert "No proved patterns in project desk; 1 not proved: 'pattern list --all'" in run("pattern", "list").stdout
    assert "recover from SessionError" in run("pattern", "list", "--all").stdout


def test_patterns_are_analyzed_and_their_effectiveness_is_drawn(proved: Run) -> None:
    analysis = proved("pattern", "analyze").stdout
    assert "4 completed episodes" in analysis
    assert "on the error 'SessionError" in analysis
    drawn = proved("pattern", "effectiveness").stdout
    assert "0.51" in drawn
    assert "█" in drawn
    assert "recommendations: 0 given" in drawn


def test_extraction_counts_and_decay_shows_before_it_does(proved: Run) -> None:
    counts = as_json(proved("pattern", "extract", "--json"))
    assert counts == {"error_recovery": [1, 0, 0]}
    assert "0 patterns would retire" in proved("pattern", "decay", "--dry-run").stdout

    strict = ("--set", "learning.retire_below=1")
    assert "would retire" in proved(*strict, "pattern", "decay", "--dry-run").stdout
    assert as_json(proved("pattern", "list", "--json"))["patterns"] != []
    assert "retired (half-life 90 days, bound 1)" in proved(*strict, "pattern", "decay").stdout
    assert as_json(proved("pattern", "list", "--json"))["patterns"] == []
    assert "(retired)" in proved("pattern", "list", "--all").stdout


def test_a_playbook_is_made_seen_again_and_judged(shop: Run) -> None:
    made = as_json(shop("playbook", "recommend", "guests lose the basket in checkout", "--json"))

    viewed = shop("playbook", "view", made["id"]).stdout
    assert "1. edit: keep it in the cookie [shop/session.py]  [in 2 of 2 similar episodes]" in viewed
    assert (
        "pitfall: pytest tests/test_cart.py failed 2 of 4 runs in 2 episodes: SessionError: basket 41 is gone" in viewed
    )
    assert made["id"] in shop("playbook", "list").stdout
    assert "followed 1×, 1 went well" in shop("feedback", "helped", made["id"], "--rating", "5").stdout
    assert "nothing relevant is remembered" in shop("playbook", "recommend", "kilimanjaro").stdout
    shop("playbook", "view", "nope", code=1)


def test_a_check_shows_the_dead_end_and_is_silent_without_evidence(shop: Run) -> None:
    assert shop("check", "pytest tests/test_cart.py").stdout == ""  # which passed the last time
    failing = ("bash", "pytest tests/test_cart.py", "--result", "error", "--output", "SessionError: basket 7 is gone")
    episode_id = shop("episode", "create", "guests lose the basket").stdout.strip()
    shop("episode", "log-step", episode_id, *failing)

    shown = shop("check", "pytest tests/test_cart.py -q", "--episode", episode_id).stdout

    assert "failed 1 of 1 run in this session" in shown
    assert "error: SessionError: basket 7 is gone" in shown
    assert "ended by: edit: keep it in the cookie [shop/session.py]" in shown
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

    rules = {(each["condition"], each["action"]) for each in as_json(run("pattern", "analyze", "--json"))["rules"]}
    assert ("when you change llm/logs.py", "change tests/test_logs_store.py too") in rules
    told = [each["text"] for each in as_json(run("fact", "list", "--topic", "together", "--json"))]
    assert all(" tasks; elsewhere " in text for text in told)
    found: list[dict[str, Any]] = as_json(run("--project", "agents", "pattern", "list", "--json"))["patterns"]
    assert {each["definition"]["kind"] for each in found} <= {"error_recovery"}


def test_facts_are_listed_and_a_project_without_any_says_so(run: Run) -> None:
    assert "No facts about project desk yet." in run("fact", "list").stdout
