"""`memory-cli bench`: it measures, draws, and fits how costs grow."""

import math
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from memory_cli.bench import agents, figures, quality
from memory_cli.bench.figures import Figure
from memory_cli.bench.synthetic import Vocabulary
from memory_cli.commands.demo import sample_history
from memory_mcp.config.settings import RecallSettings
from memory_mcp.models.episodes import Step
from tests.cli.conftest import Run, as_json
from tests.conftest import OpenMemory


def test_a_small_run_prints_every_part_and_writes_a_picture(run: Run, tmp_path: Path) -> None:
    picture = tmp_path / "growth.svg"

    report = as_json(
        run("bench", "--episodes", "40,80", "--only", "fill,store,search,get", "--svg", str(picture), "--json")
    )

    measured = {(each["part"], each["what"], each["size"]) for each in report["figures"]}
    assert ("store", "add an episode", 40) in measured
    assert ("store", "add an episode", 80) in measured
    assert sum(part == "get" for part, _, _ in measured) == 3
    assert all(each["value"] > 0 for each in report["figures"])
    assert {each["what"] for each in report["growth"]} >= {"store: list 20", "store: append a step"}
    drawn = ET.fromstring(picture.read_text(encoding="utf-8"))  # noqa: S314 - our own file
    assert "list 20" in "".join(drawn.itertext())


def test_whole_servers_are_measured_over_their_pipes(run: Run) -> None:
    shown = run("bench", "--episodes", "30", "--only", "query").output

    assert "query_memory over stdio, a title, hashed" in shown
    assert "200 words and more" in shown


def test_what_cannot_be_measured_says_why(run: Run) -> None:
    report = as_json(run("bench", "--episodes", "30", "--only", "model,sharing", "--json"))

    assert {each["value"] for each in report["figures"]} == {None}
    assert all("not installed" in each["note"] for each in report["figures"])


def test_an_unknown_part_and_a_wrong_size_are_refused(run: Run) -> None:
    assert "no part speed; there are ranking" in str(run("bench", "--only", "speed", code=1).exception)
    absent = run("bench", "--episodes", "10", "--only", "fill", "--data", "nowhere", code=1)
    assert "nowhere holds no git/*.jsonl.gz" in str(absent.exception)
    assert "is no list of sizes" in str(run("bench", "--episodes", "many", code=1).exception)


def test_ones_own_memory_is_measured_and_not_changed(run: Run, open_memory: OpenMemory) -> None:
    memory = open_memory("desk")
    for number in range(12):
        task = f"mend widget {number}\n\nthe widget {number} of the {'abcdefghijkl'[number] * 5} page was drawn twice"
        memory.episodes.start(task)
    head = memory.store.head()

    report = as_json(run("bench", "--mine", "--json"))

    found = {each["what"]: each for each in report["figures"]}
    assert found["recall@10, ours, hashed, whole, 12 questions"]["value"] == 1.0
    assert found["recall@10, grep, 12 questions"]["beside"]["R@1"] > 0
    assert "helps" in found["what it cannot show"]["note"]
    assert memory.store.head() == head


def test_a_memory_with_too_little_says_what_is_missing(run: Run) -> None:
    assert "0 episodes of project desk have more to search" in str(run("bench", "--mine", code=1).exception)


def test_the_exponent_of_growth_is_that_of_the_power_law() -> None:
    rows = [Figure("p", "w", "ms", size, p50=0.01 * size**0.5) for size in (100, 1_000, 10_000)]

    (grown,) = figures.growth(rows)

    assert grown.exponent == pytest.approx(0.5)
    assert grown.sizes == (100, 1_000, 10_000)


def test_a_figure_is_reached_from_below_or_from_above() -> None:
    assert Figure("p", "w", "ms", value=5, reach=5).reached is True
    assert Figure("p", "w", "ms", value=6, reach=5).reached is False
    assert Figure("p", "w", "share", value=0.97, reach=0.98, at_least=True).reached is False
    assert Figure("p", "w", "ms", reach=5).reached is None


def test_scores_of_known_ranks_are_what_their_formulas_say() -> None:
    items = [quality.Item(str(number), str(number), made) for number, made in enumerate(vocabulary().episodes(0, 4))]
    answers = {"0": ["0"], "1": ["x", "1"], "2": ["x"] * 10 + ["2"], "3": []}

    score = quality.measure("given", lambda question: answers[question], items)

    assert (score.recall_1, score.recall_5, score.recall_10) == (0.25, 0.5, 0.5)
    assert score.mrr == pytest.approx((1 + 1 / 2) / 4)
    assert score.ndcg_10 == pytest.approx((1 + 1 / math.log2(3)) / 4, abs=1e-4)
    assert score.recall_10_interval[0] <= 0.5 <= score.recall_10_interval[1]


def test_the_parts_of_a_search_can_be_measured_by_themselves() -> None:
    items = [quality.Item(str(at), made.task[:40], made) for at, made in enumerate(vocabulary().episodes(0, 30))]

    with quality.stored(items, "hash") as stored:
        for settings in (RecallSettings(), quality.KEYWORDS_ALONE, quality.VECTORS_ALONE):
            with stored.searching(settings) as search:
                assert quality.measure("ours", search, items).recall_10 > 0.8


def vocabulary() -> Vocabulary:
    return Vocabulary.read(None, sample_history())


def test_synthetic_episodes_use_real_words_and_are_the_same_for_the_same_seed() -> None:
    made = list(vocabulary().episodes(0, 50))
    real = {word for text in (*vocabulary().titles, *vocabulary().bodies) for word in text.split()}

    words = [word for episode in made for word in episode.task.split() if not word.startswith("(")]

    assert made == list(vocabulary().episodes(0, 50))
    assert len({episode.task for episode in made}) == 50
    assert sum(word in real for word in words) / len(words) > 0.9
    assert any(episode.outcome is None for episode in made) or len(made) == 50


def test_a_hook_stands_beside_an_interpreter_that_does_nothing() -> None:
    found = agents.times_nothing("stop", [50.0, 60.0, 200.0], [12.0, 12.5, 11.0], size=80)

    assert found == Figure(
        "hooks",
        "stop, times python -c pass",
        "x",
        80,
        value=5.0,
        beside={"p50 ms": 60.0, "python -c pass p50 ms": 12.0},
        reach=5.0,
    )
    assert found.reached


def test_episodes_that_are_a_first_line_and_steps_are_not_taken_for_runs_of_one_task(
    run: Run, open_memory: OpenMemory
) -> None:
    memory = open_memory("desk")
    for word in ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot"):
        episode, _ = memory.episodes.start("mend the page")
        memory.episodes.append(episode.id, [Step("bash", f"edit src/{word}/page.py and run its tests")])

    report = as_json(run("bench", "--mine", "--json"))

    found = {each["what"]: each for each in report["figures"]}
    assert found["recall@10, ours, hashed, as ranked, 6 questions"]["value"] == 1.0
    assert "left without an answer" in found["recall@10, ours, hashed, as shown, 6 questions"]["beside"]
