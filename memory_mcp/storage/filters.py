"""This module turns a filter into SQL conditions over documents `d` and episodes `e`."""

from typing import Any

from memory_mcp.models.episodes import EpisodeFilter


def episode_conditions(chosen: EpisodeFilter) -> tuple[list[str], dict[str, Any]]:
    """Return the conditions, to be joined by AND, and their named bindings."""
    conditions: list[str] = []
    bindings: dict[str, Any] = {}
    if chosen.status:
        conditions.append(f"e.outcome_type IS {'NULL' if chosen.status == 'active' else 'NOT NULL'}")
    for column, value in (
        ("outcome_type", chosen.outcome),
        ("domain", chosen.domain),
        ("task_type", chosen.task_type),
        ("language", chosen.language),
    ):
        if value is not None:
            conditions.append(f"e.{column} = :{column}")
            bindings[column] = value
    for number, tag in enumerate(chosen.tags):
        conditions.append(f"EXISTS (SELECT 1 FROM tags WHERE document_key = d.key AND tag = :tag{number})")
        bindings[f"tag{number}"] = tag
    if chosen.since is not None:
        conditions.append("d.created_at >= :since")
        bindings["since"] = chosen.since
    if chosen.until is not None:
        conditions.append("d.created_at < :until")
        bindings["until"] = chosen.until
    return conditions, bindings
