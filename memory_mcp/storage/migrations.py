"""This module brings a file to the newest schema: numbered steps, each in a transaction with its own record."""

from collections.abc import Sequence

from msgspec import Struct

from memory_mcp.clock import Clock
from memory_mcp.errors import NewerSchemaError, NotAStoreError, ReadOnlyStoreError, StoreError, StoreFullError
from memory_mcp.storage.clients_schema import THIRD_SCHEMA
from memory_mcp.storage.connecting import APPLICATION_ID
from memory_mcp.storage.database import Database, Session
from memory_mcp.storage.evidence_schema import FIFTH_SCHEMA
from memory_mcp.storage.identity_schema import FOURTH_SCHEMA
from memory_mcp.storage.learning_schema import SECOND_SCHEMA
from memory_mcp.storage.leftovers import unfinished
from memory_mcp.storage.schema import FIRST_SCHEMA
from memory_mcp.storage.telling_schema import SIXTH_SCHEMA


class Migration(Struct, frozen=True):
    """One change of schema; never edited once released."""

    number: int
    name: str
    statements: tuple[str, ...]


MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, "first schema", FIRST_SCHEMA),
    Migration(2, "learning", SECOND_SCHEMA),
    Migration(3, "clients", THIRD_SCHEMA),
    Migration(4, "identities of projects", FOURTH_SCHEMA),
    Migration(5, "evidence of outcomes", FIFTH_SCHEMA),
    Migration(6, "decisions, rules and the ledger", SIXTH_SCHEMA),
)


def migrate(database: Database, clock: Clock, migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """Apply what is missing and return the schema's number; processes that race do it once.

    Raises:
        NewerSchemaError: the file needs a newer memory-mcp.
        StoreFullError: there is no room to change it.
        ReadOnlyStoreError: it may not be changed.
        NotAStoreError: it has triggers that are none of ours, or lacks something of ours.

    """
    newest = migrations[-1].number
    with database.read() as session:
        current = _version(session, database, newest)
    if current == newest:
        database.guard.schema = newest
        return current
    if database.is_read_only:
        raise _unready(database, current, newest)
    if current:
        with unfinished(database.path.parent) as part:
            database.backup_to(part)
            part.replace(database.path.with_name(f"{database.path.name}.before-{newest}-{clock.now()}"))
    from memory_mcp.storage.recognition import difference  # noqa: PLC0415 - no hook needs it

    with database.write() as session:
        current = _version(session, database, newest)
        if current < newest and (odd := difference(session, statements(current, migrations), own_additions=True)):
            raise NotAStoreError(
                f"{database.path} does not match schema {current}: {odd}; remove that by hand, or move the file away"
            )
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
    database.guard.schema = newest
    return newest


def statements(number: int, migrations: Sequence[Migration] = MIGRATIONS) -> list[str]:
    """Return the statements that create the schema of a number from nothing."""
    return [each for migration in migrations if migration.number <= number for each in migration.statements]


def _unready(database: Database, current: int, newest: int) -> StoreError:
    """Return what says that a file, which can only be read, lacks what would be read."""
    what = f"{database.path} has schema {current} and must be brought to {newest} first" if current else ""
    what = what or f"{database.path} holds nothing yet"
    if database.is_full:
        return StoreFullError(f"{what}, and there is no room left for that; free some space and repeat it")
    return ReadOnlyStoreError(f"{what}, and it is read-only; make it and its directory writable")


def _version(session: Session, database: Database, newest: int) -> int:
    version = int(session.value("PRAGMA user_version"))
    if version > newest:
        raise NewerSchemaError(
            f"{database.path} has schema {version}, this memory-mcp knows up to {newest}; "
            "upgrade with 'pip install -U memory-mcp'"
        )
    return version
