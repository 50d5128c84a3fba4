"""This module finds the projects that hold records of an importer."""

from memory_mcp.storage.store import Store


def projects_holding(store: Store, kind: str) -> set[str]:
    """Return the projects in the file that hold records from a kind of source."""
    with store.database.read() as session:
        rows = session.rows(
            "SELECT DISTINCT p.name FROM projects p JOIN documents d ON d.project_key = p.key WHERE d.source_kind = ?",
            (kind,),
        )
    return {str(row[0]) for row in rows}
