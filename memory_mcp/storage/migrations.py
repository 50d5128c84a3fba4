"""This module brings a file to the newest schema: numbered steps, each in a transaction with its own record."""

from collections.abc import Sequence

from msgspec import Struct

from memory_mcp.clock import Clock
from memory_mcp.errors import NewerSchemaError, NotAStoreError
from memory_mcp.storage.database import Database, Session
from memory_mcp.storage.schema import FIRST_SCHEMA

APPLICATION_ID = 0x4D454D31  # "MEM1", so that `file` and we recognise our own


class Migration(Struct, frozen=True):
    """One change of schema; never edited once released."""

    number: int
    name: str
    statements: tuple[str, ...]


MIGRATIONS: tuple[Migration, ...] = (Migration(1, "first schema", FIRST_SCHEMA),)


def migrate(database: Database, clock: Clock, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """Apply what is missing and return the schema's number; processes that race do it once.

    Raises:
        NewerSchemaError: the file needs a newer memory-mcp.
        NotAStoreError: the file is a database of something else.

    """
    newest = migrations[-1].number
    with database.read() as session:
        current = _version(session, database, newest)
    if current == newest or database.is_read_only:
        return current
    if current:
        database.backup_to(database.path.with_name(f"{database.path.name}.before-{newest}-{clock.now()}"))
    with database.write() as session:
        current = _version(session, database, newest)
        for migration in migrations:
            if migration.number > current:
                for statement in migration.statements:
                    session.run(statement)
                session.run(
                    "INSERT INTO migrations (number, name, applied_at) VALUES (?, ?, ?)",
                    (migration.number, migration.name, clock.now()),
                )
        session.run(f"PRAGMA application_id = {APPLICATION_ID}")
        session.run(f"PRAGMA user_version = {newest}")
    return newest


def _version(session: Session, database: Database, newest: int) -> int:
    application = session.value("PRAGMA application_id")
    version = int(session.value("PRAGMA user_version"))
    tables = session.value("SELECT count(*) FROM sqlite_schema")
    if tables and application != APPLICATION_ID:
        raise NotAStoreError(
            f"{database.path} is a database of something else; move it away, or point MEMORY_MCP_HOME somewhere else"
        )
    if version > newest:
        raise NewerSchemaError(
            f"{database.path} has schema {version}, this memory-mcp knows up to {newest}; "
            "upgrade with 'pip install -U memory-mcp'"
        )
    return version
