"""This module holds the tools of tags and relationships."""

from memory_mcp.episodes.graphs import dot
from memory_mcp.models.relationships import Relationship
from memory_mcp.server import arguments, learning_answers, learning_arguments
from memory_mcp.server.answers import BUDGET_BYTES, Rendered, receipt_of
from memory_mcp.server.desk import Desk


def list_tags(desk: Desk, _: arguments.Nothing) -> Rendered:
    """Count the records of every tag."""
    rows = ({"tag": tag, "records": count} for tag, count in desk.memory.tags.list())
    shown, left = learning_answers.page_of(rows, BUDGET_BYTES)
    return {"tags": shown, **({"left_out": left} if left else {})}


def tag_record(desk: Desk, given: learning_arguments.TagRecord) -> Rendered:
    """Add and remove tags."""
    tags, receipt = desk.memory.tags.change(given.record_id, given.add, given.remove)
    return {"tags": list(tags), "receipt": receipt_of(receipt)}


def rename_tag(desk: Desk, given: learning_arguments.RenameTag) -> Rendered:
    """Rename a tag everywhere."""
    return {"renamed_on": desk.memory.tags.rename(given.old, given.new)}


def add_relationship(desk: Desk, given: learning_arguments.Relate) -> Rendered:
    """Link two episodes."""
    return {"added": desk.memory.relationships.add([_relationship(given)])}


def remove_relationship(desk: Desk, given: learning_arguments.Relate) -> Rendered:
    """Unlink two episodes."""
    desk.memory.relationships.remove(_relationship(given))
    return {"removed": 1}


def related_episodes(desk: Desk, given: learning_arguments.RelatedEpisodes) -> Rendered:
    """Show the episodes around one."""
    graph = desk.memory.relationships.around(given.episode_id, given.depth)
    if given.form == "dot":
        return {"dot": dot(graph.relationships, graph.tasks)[:BUDGET_BYTES]}
    return learning_answers.graph_of(graph)


def order_episodes(desk: Desk, given: learning_arguments.OrderEpisodes) -> Rendered:
    """Order episodes by what builds on what."""
    order = desk.memory.relationships.order(given.kind)
    shown, left = learning_answers.page_of(({"episode_id": each} for each in order), BUDGET_BYTES)
    return {"episode_ids": [each["episode_id"] for each in shown], **({"left_out": left} if left else {})}


def _relationship(given: learning_arguments.Relate) -> Relationship:
    return Relationship(given.kind, given.from_episode_id, given.to_episode_id)
