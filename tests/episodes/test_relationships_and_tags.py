"""How episodes belong together: links, circles, order, graphs; and tags across records."""

import graphlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memory_mcp.episodes.graphs import dot, topological
from memory_mcp.errors import IllegalMoveError, InvalidInputError, LimitError, NotFoundError
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Context, EpisodeFilter
from memory_mcp.models.recall import Query
from memory_mcp.models.relationships import ORDERED, Relationship, RelationshipKind
from tests.conftest import OpenMemory


def started(memory: Memory, count: int) -> list[str]:
    return [memory.episodes.start(f"task {number}")[0].id for number in range(count)]


def test_a_link_is_added_once_listed_from_both_ends_and_removed(memory: Memory) -> None:
    one, two = started(memory, 2)
    link = Relationship("depends_on", one, two)

    assert memory.relationships.add([link]) == 1
    assert memory.relationships.add([link]) == 0
    assert list(memory.relationships.list(one)) == list(memory.relationships.list(two)) == [link]
    assert list(memory.relationships.list(kind="follows")) == []
    memory.relationships.remove(link)
    assert list(memory.relationships.list()) == []
    with pytest.raises(NotFoundError, match="no relationship"):
        memory.relationships.remove(link)


@pytest.mark.parametrize("kind", sorted(ORDERED))
def test_a_circle_is_refused_where_order_matters_and_nothing_of_the_call_is_kept(
    memory: Memory, kind: RelationshipKind
) -> None:
    one, two, three = started(memory, 3)
    memory.relationships.add([Relationship(kind, one, two)])

    with pytest.raises(IllegalMoveError, match=f"{three} {kind} {one} would close a circle"):
        memory.relationships.add([Relationship(kind, two, three), Relationship(kind, three, one)])

    assert list(memory.relationships.list()) == [Relationship(kind, one, two)]


def test_where_order_does_not_matter_links_may_go_both_ways_but_not_to_themselves(memory: Memory) -> None:
    one, two = started(memory, 2)

    assert memory.relationships.add([Relationship("related_to", one, two), Relationship("related_to", two, one)]) == 2
    with pytest.raises(IllegalMoveError, match="circle"):
        memory.relationships.add([Relationship("related_to", one, one)])


LINKS = st.lists(
    st.tuples(st.sampled_from(["depends_on", "parent_child"]), st.integers(0, 5), st.integers(0, 5)), max_size=15
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINKS)
def test_whatever_links_are_tried_none_of_a_kind_ever_forms_a_circle(
    memory: Memory, links: list[tuple[RelationshipKind, int, int]]
) -> None:
    ids = started(memory, 6)
    for kind, start, end in links:
        link = Relationship(kind, ids[start], ids[end])
        held = [each for each in memory.relationships.list(kind=kind) if each.from_id in ids]
        closes = start == end or reaches(held, ids[end], ids[start])
        if closes:
            with pytest.raises(IllegalMoveError):
                memory.relationships.add([link])
        else:
            memory.relationships.add([link])
    for kind in ("depends_on", "parent_child"):
        held = [each for each in memory.relationships.list(kind=kind) if each.from_id in ids]
        order = topological(held)
        for each in held:
            first, then = (each.from_id, each.to_id) if kind == "parent_child" else (each.to_id, each.from_id)
            assert order.index(first) < order.index(then)


def reaches(links: list[Relationship], start: str, goal: str) -> bool:
    sorter: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter()
    for each in links:
        sorter.add(each.to_id, each.from_id)
    sorter.add(start, goal)  # a path start → … → goal and this edge make a circle
    try:
        sorter.prepare()
    except graphlib.CycleError:
        return True
    return False


def test_related_episodes_are_found_as_far_as_asked(memory: Memory) -> None:
    one, two, three, four = started(memory, 4)
    memory.relationships.add([Relationship("follows", two, one), Relationship("follows", three, two)])

    assert memory.relationships.around(one, 1).depths == {one: 0, two: 1}
    graph = memory.relationships.around(one, 2)
    assert graph.depths == {one: 0, two: 1, three: 2}
    assert graph.tasks[three] == "task 2"
    assert memory.relationships.around(four, 3).depths == {four: 0}
    assert memory.relationships.order("follows") == [one, two, three]
    with pytest.raises(InvalidInputError, match="related_to has no order; blocks, depends_on"):
        memory.relationships.order("related_to")
    with pytest.raises(InvalidInputError, match="depth is 0"):
        memory.relationships.around(one, 0)
    with pytest.raises(NotFoundError, match="no episode nope"):
        memory.relationships.around("nope")


def test_a_link_to_another_projects_episode_is_refused(open_memory: OpenMemory) -> None:
    (mine,) = started(open_memory("here"), 1)
    (theirs,) = started(open_memory("there"), 1)

    with pytest.raises(NotFoundError, match=f"no episode {theirs} in project here"):
        open_memory("here").relationships.add([Relationship("follows", mine, theirs)])


def test_a_deleted_episode_takes_its_links_along(memory: Memory) -> None:
    one, two = started(memory, 2)
    memory.relationships.add([Relationship("blocks", one, two)])

    memory.episodes.delete(one)

    assert list(memory.relationships.list(two)) == []


def test_the_graph_is_written_for_graphviz_with_its_texts_quoted() -> None:
    text = dot([Relationship("follows", "b", "a")], {"a": 'say "hi"\nmore', "b": ""})

    assert '"a" [label="say \\"hi\\""];' in text
    assert '"b" -> "a" [label="follows"];' in text
    assert text.startswith("digraph memory {")


def test_tags_are_changed_on_episodes_and_notes_and_found_at_once(memory: Memory) -> None:
    episode, _ = memory.episodes.start("mend the login", context=Context(tags=("ci",)))
    note, _ = memory.notes.add("staging runs on port 5433", tags=["db"])

    assert memory.tags.change(episode.id, add=["flaky"], remove=["ci"])[0] == ("flaky",)
    assert memory.tags.change(note.id, add=[" flaky "])[0] == ("db", "flaky")

    assert memory.tags.list() == [("flaky", 2), ("db", 1)]
    assert len(memory.recall.search(Query("login", filter=EpisodeFilter(tags=("flaky",)))).hits) == 1
    assert memory.episodes.get(episode.id).context.tags == ("flaky",)
    with pytest.raises(InvalidInputError, match="no tags given"):
        memory.tags.change(episode.id)
    with pytest.raises(NotFoundError, match="nope"):
        memory.tags.change("nope", add=["x"])


def test_a_record_takes_fifty_tags_and_no_more(memory: Memory) -> None:
    episode, _ = memory.episodes.start("a", context=Context(tags=tuple(f"t{number}" for number in range(49))))

    memory.tags.change(episode.id, add=["one more"])
    with pytest.raises(LimitError, match="would have 51 tags and may have 50"):
        memory.tags.change(episode.id, add=["too many"])

    assert len(memory.episodes.get(episode.id).context.tags) == 50


def test_a_tag_is_renamed_everywhere_and_joins_one_that_exists(memory: Memory) -> None:
    episode, _ = memory.episodes.start("mend the login", context=Context(tags=("ci", "cicd")))
    note, _ = memory.notes.add("the pipeline is slow", tags=["cicd"])

    assert memory.tags.rename("cicd", "ci") == 2

    assert memory.episodes.get(episode.id).context.tags == ("ci",)
    assert memory.notes.get(note.id).tags == ("ci",)
    with pytest.raises(NotFoundError, match="has the tag 'cicd'"):
        memory.tags.rename("cicd", "ci")


def test_a_tag_of_another_project_is_neither_seen_nor_renamed(open_memory: OpenMemory) -> None:
    here, there = open_memory("here"), open_memory("there")
    here.episodes.start("a", context=Context(tags=("ci",)))
    there.episodes.start("b", context=Context(tags=("ci",)))

    assert here.tags.rename("ci", "tests") == 1

    assert (here.tags.list(), there.tags.list()) == ([("tests", 1)], [("ci", 1)])
