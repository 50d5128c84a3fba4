"""Recall: what is found, in which order, with which reasons, and what a degraded answer says."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from memory_mcp.config.places import places
from memory_mcp.config.settings import EmbeddingSettings, Settings, StoreSettings
from memory_mcp.memory import Memory
from memory_mcp.models.conversations import Message
from memory_mcp.models.episodes import Context, EpisodeFilter, Failure, Step, StepError, Success
from memory_mcp.models.recall import Query
from tests.conftest import OpenMemory
from tests.fakes import DAY, FrozenClock, SlowProvider


def found(memory: Memory, text: str, **more: object) -> list[str]:
    return [hit.id for hit in memory.recall.search(Query(text, **more)).hits]  # type: ignore[arg-type]  # per test


def test_an_episode_is_found_by_task_error_file_and_verdict(memory: Memory) -> None:
    episode, _ = memory.episodes.start("mend the checkout", context=Context(domain="shop", tags=("urgent",)))
    memory.episodes.append(
        episode.id, [Step("edit", "change", {"file": "shop/basketStore.py"}, StepError("CartExpiredError: gone"))]
    )
    memory.episodes.complete(episode.id, Success("keep it in a signed cookie"))
    memory.episodes.start("write the changelog")

    for question in ("checkout", "CartExpiredError", "basket_store", "signed cookies", "urgent", "shop"):
        assert found(memory, question)[:1] == [episode.id], question


def test_an_acknowledged_step_is_found_at_once(memory: Memory) -> None:
    episode, _ = memory.episodes.start("a task")
    assert found(memory, "zanzibar") == []

    memory.episodes.append(episode.id, [Step("bash", "zanzibar --now")])

    assert found(memory, "zanzibar") == [episode.id]


def test_every_hit_says_why(memory: Memory) -> None:
    episode, _ = memory.episodes.start("rotate the signing keys")
    memory.episodes.complete(episode.id, Success("done"))

    (hit,) = memory.recall.search(Query("signing key rotation")).hits

    assert hit.matched == ("signing", "key", "rotation")
    assert hit.parts.keyword == 1.0
    assert hit.parts.similarity == 1.0
    assert hit.parts.boosts == {"recency": 0.05}
    assert hit.score == pytest.approx(2.05)
    assert hit.parts.cosine is not None
    assert hit.parts.bm25 is not None
    assert (hit.outcome, hit.lesson, hit.age_days) == ("success", "done", 0.0)


def test_nothing_relevant_is_an_empty_answer(memory: Memory) -> None:
    for task in ("mend the login", "mend the logout", "write the docs"):
        memory.episodes.start(task)

    answer = memory.recall.search(Query("how tall is mount kilimanjaro"))

    assert answer.hits == ()
    assert answer.mode == "hybrid"


def test_repeated_tasks_collapse_to_the_best_with_a_count(memory: Memory) -> None:
    first, _ = memory.episodes.start("Upgrade the database driver")
    memory.episodes.complete(first.id, Success())
    for _ in range(3):
        memory.episodes.start("upgrade the  database driver")

    (hit,) = memory.recall.search(Query("database driver upgrade")).hits

    assert (hit.id, hit.repeats) == (first.id, 4)


def test_of_a_repeated_task_the_run_that_succeeded_is_shown(memory: Memory) -> None:
    runs = [memory.episodes.start("Upgrade the database driver")[0] for _ in range(3)]
    memory.episodes.complete(runs[0].id, Success("pinned to 4.2", evidence="user"))
    memory.episodes.complete(runs[1].id, Failure("the database driver upgrade of the database driver broke"))

    (hit,) = memory.recall.search(Query("database driver upgrade broke")).hits

    assert (hit.id, hit.outcome, hit.repeats) == (runs[0].id, "success", 3)


def test_of_a_repeated_task_that_never_succeeded_the_newest_run_is_shown(memory: Memory, clock: FrozenClock) -> None:
    for reason in ("the disk is full", "the port is taken"):
        clock.moment += DAY
        run, _ = memory.episodes.start("Upgrade the database driver")
        memory.episodes.complete(run.id, Failure(reason))

    (hit,) = memory.recall.search(Query("upgrade the database driver, the disk is full")).hits

    assert (hit.id, hit.repeats) == (run.id, 2)


def test_a_talk_is_one_hit_by_its_best_turn_unless_turns_are_asked_for(memory: Memory, clock: FrozenClock) -> None:
    texts = ["Where does the voucher go?", "The voucher is kept in the basket.", "And the voucher code?", "Thanks."]
    memory.conversations.remember("shop", [Message("user", text, clock.now()) for text in texts])
    memory.notes.add("the voucher expires at midnight")

    hits = memory.recall.search(Query("voucher basket")).hits
    turns = memory.recall.search(Query("voucher basket", kinds=("turn",))).hits

    assert sorted(hit.kind for hit in hits) == ["note", "turn"]
    (talk,) = [hit for hit in hits if hit.kind == "turn"]
    assert (talk.text, talk.repeats) == ("user: The voucher is kept in the basket.", 4)
    assert len(turns) >= 3


def test_the_passage_is_the_part_that_matches_best(memory: Memory) -> None:
    memory.notes.add(
        "filler words here. " * 60 + "The voucher is kept when a currency is exchanged. " + "More filler. " * 60
    )

    (hit,) = memory.recall.search(Query("vouchers and currencies exchanged")).hits

    assert "The voucher is kept when a currency is exchanged." in hit.passage
    assert len(hit.passage) <= 240


def test_filters_narrow_a_search(memory: Memory, clock: FrozenClock) -> None:
    auth, _ = memory.episodes.start("tokens expire", task_type="fix", context=Context(domain="auth", tags=("a",)))
    clock.moment += 10 * DAY
    web, _ = memory.episodes.start("tokens in the page", task_type="feature", context=Context(domain="web"))
    note, _ = memory.notes.add("tokens are JWTs")

    def chosen(**given: object) -> set[str]:
        return set(found(memory, "tokens", filter=EpisodeFilter(**given)))  # type: ignore[arg-type]  # per case

    assert chosen() == {auth.id, web.id, note.id}
    assert chosen(domain="auth") == {auth.id}
    assert chosen(task_type="feature") == {web.id}
    assert chosen(tags=("a",)) == {auth.id}
    assert chosen(since=clock.moment) == {web.id, note.id}
    assert set(found(memory, "tokens", kinds=("note",))) == {note.id}


def test_a_month_in_the_question_lifts_what_happened_then(memory: Memory, clock: FrozenClock) -> None:
    clock.moment = 1_710_000_000_000_000  # March 2024
    march, _ = memory.episodes.start("server outage after the deploy")
    clock.moment += 200 * DAY
    memory.episodes.start("server outage of the load balancer")

    assert found(memory, "server outage in March 2024")[0] == march.id


def test_a_failure_is_told_apart_by_its_outcome(memory: Memory) -> None:
    episode, _ = memory.episodes.start("port the parser")
    memory.episodes.complete(episode.id, Failure("grammar is ambiguous"))

    (hit,) = memory.recall.search(Query("parser")).hits

    assert (hit.outcome, hit.lesson) == ("failure", "grammar is ambiguous")


def test_a_question_of_operators_and_quotes_is_only_words(memory: Memory) -> None:
    memory.episodes.start('quote "this" NEAR that')

    for question in ('"', "AND OR NOT", "a* NEAR(b, c)", "col:x ^y", "(", "\u0000", "😀"):
        memory.recall.search(Query(question))


def test_without_vectors_the_mode_says_keyword(open_memory: OpenMemory) -> None:
    memory = open_memory(provider="none")
    episode, _ = memory.episodes.start("mend the login")

    answer = memory.recall.search(Query("login"))

    assert [hit.id for hit in answer.hits] == [episode.id]
    assert (answer.mode, answer.model) == ("keyword", None)
    assert answer.degraded == ("embeddings.provider is none",)


def test_a_provider_that_refuses_leaves_keyword_recall_and_says_so(memory: Memory) -> None:
    slow = SlowProvider()
    memory.providers[:] = [slow]
    episode, _ = memory.episodes.start("mend the login")
    memory.recall.search(Query("login"), patience_s=10)
    slow.refuses = True

    answer = memory.recall.search(Query("login"))

    assert [hit.id for hit in answer.hits] == [episode.id]
    assert answer.mode == "keyword"
    assert answer.degraded == ("fake:slow did not answer: refused",)


def test_a_changed_provider_is_made_beside_the_old_one_and_flips_when_complete(memory: Memory) -> None:
    for number in range(200):
        memory.episodes.start(f"task number {number} about login")
    assert memory.recall.search(Query("login")).model == "hash:2048"
    slow = SlowProvider()
    memory.providers.insert(0, slow)

    between = memory.recall.search(Query("login"))
    assert (between.model, between.pending) == ("hash:2048", 200)
    assert between.degraded == ("vectors of fake:slow are still being made, hash:2048 served this answer",)

    memory.index.follow_vectors(slow, patience_s=0)
    assert memory.recall.search(Query("login")).pending == 136

    memory.index.follow_vectors(slow, patience_s=60)
    after = memory.recall.search(Query("login"))
    assert (after.model, after.pending, after.degraded) == ("fake:slow", 0, ())


def test_vectors_of_different_models_are_never_compared(memory: Memory) -> None:
    memory.episodes.start("mend the login")
    memory.recall.search(Query("login"))
    memory.providers.insert(0, SlowProvider())
    memory.recall.search(Query("login"), patience_s=10)

    sets = {each.model: (each.dimension, count, size) for each, count, size in memory.store.vector_sets()}

    assert sets == {"hash:2048": (2048, 1, 4096), "fake:slow": (8, 1, 16)}


def test_a_search_sees_what_another_process_has_written(memory: Memory, tmp_path: Path) -> None:
    memory.episodes.start("first")
    memory.recall.search(Query("first"))
    code = (
        "import sys; from pathlib import Path; from memory_mcp.memory import Memory\n"
        "environment = {'MEMORY_MCP_HOME': sys.argv[1], 'MEMORY_MCP_PROJECT_NAME': 'here'}\n"
        "with Memory.open(environment, Path('/'), actor='other') as other:\n"
        " print(other.episodes.start('written by a neighbour')[0].id)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "home")], capture_output=True, text=True, check=True
    )

    assert found(memory, "neighbour") == [done.stdout.strip()]


@pytest.fixture(scope="module")
def walled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Memory, Memory]:
    home = tmp_path_factory.mktemp("wall")
    chosen = Settings(store=StoreSettings(home=str(home)), embeddings=EmbeddingSettings(provider="hash"))
    where = places(chosen, settings_file=home / "none")
    clock = FrozenClock()
    return (
        Memory(chosen, where, "mine", actor="test", clock=clock),
        Memory(chosen, where, "theirs", actor="test", clock=clock),
    )


TASKS = st.lists(st.text(alphabet="abcd ", min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=4)


@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mine=TASKS, theirs=TASKS, question=st.text(alphabet="abcd ", min_size=1, max_size=12).filter(str.strip))
def test_nothing_crosses_the_wall_between_projects(
    walled: tuple[Memory, Memory], mine: list[str], theirs: list[str], question: str
) -> None:
    for memory, tasks in zip(walled, (mine, theirs), strict=True):
        for task in tasks:
            memory.episodes.start(task)
            memory.notes.add(task)
    for memory in walled:
        hits = memory.recall.search(Query(question, limit=50)).hits
        rows = memory.episodes.list(limit=1000).episodes
        notes = memory.notes.list(limit=1000).notes

        projects = {hit.project for hit in hits} | {row.project for row in rows} | {note.project for note in notes}
        assert projects <= {memory.project}
    everywhere = walled[0].recall.search(Query(mine[0], limit=100, scope="all")).hits
    assert {hit.project for hit in everywhere} <= {"mine", "theirs"}


def test_all_projects_are_searched_only_when_asked_and_ones_own_comes_first(open_memory: OpenMemory) -> None:
    own, _ = open_memory("here").episodes.start("tune the query planner")
    other, _ = open_memory("there").episodes.start("tune the query planner")
    memory = open_memory("here")

    assert found(memory, "query planner") == [own.id]
    assert found(memory, "query planner", scope="all") == [own.id, other.id]


def test_a_large_store_ranks_keyword_matches_alone_with_the_same_result(open_memory: OpenMemory) -> None:
    whole, matches = open_memory(), open_memory(recall={"matrix_documents": 0})
    for task in ("mend the login of guests", "login is slow under load", "translate the imprint", "rename a table"):
        whole.episodes.start(task)

    expected = whole.recall.search(Query("slow login of guests"))
    found = matches.recall.search(Query("slow login of guests"))

    assert [hit.id for hit in found.hits] == [hit.id for hit in expected.hits]
    assert [hit.parts.cosine for hit in found.hits] == pytest.approx([hit.parts.cosine for hit in expected.hits])
    assert matches.similarity.vectors.reads == 0
    assert found.degraded == ()


def test_a_large_store_says_that_it_does_not_search_similar_spelling(open_memory: OpenMemory) -> None:
    open_memory().episodes.start("mend the authentication")

    assert open_memory().recall.search(Query("authority")).considered == 1
    answer = open_memory(recall={"matrix_documents": 0}).recall.search(Query("authority"))

    assert answer.hits == ()
    assert answer.degraded[0].startswith("no record shares a word with the question")


def test_a_running_episode_does_not_hide_the_lesson_of_a_completed_one(memory: Memory) -> None:
    first, _ = memory.episodes.start("mend the login of guests")
    memory.episodes.complete(first.id, Failure(reason="the token is read too early"))
    memory.episodes.start("mend the login of guests")

    (hit,) = memory.recall.search(Query("login of guests")).hits

    assert (hit.id, hit.repeats, hit.lesson) == (first.id, 2, "the token is read too early")
