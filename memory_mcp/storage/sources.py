"""This module tells which projects hold what an importer brought."""

from memory_mcp.storage.store import Store


def projects_holding(store: Store, kind: str) -> set[str]:
    """Name the projects of the whole file with records from a kind of source."""
    with store.database.read() as session:
        rows = session.rows(
            "SELECT DISTINCT p.name FROM projects p JOIN documents d ON d.project_key = p.key WHERE d.source_kind = ?",
            (kind,),
        )
    return {str(row[0]) for row in rows}
