"""This module names everything that can go wrong: one tree, one sentence per error."""


class MemoryMcpError(Exception):
    """The root of our errors; its text is one sentence that a user or an agent can act on."""


class InvalidInputError(MemoryMcpError):
    """The caller gave a value that cannot be accepted."""


class LimitError(InvalidInputError):
    """The caller went past a limit of `memory_mcp.models.limits`."""


class IllegalMoveError(MemoryMcpError):
    """The operation does not fit the state that the episode is in."""


class NotFoundError(MemoryMcpError):
    """No such record in the project that is open."""


class ConfigError(MemoryMcpError):
    """A setting is unknown, malformed or refers to something that is absent."""


class StoreError(MemoryMcpError):
    """The database file could not be used."""


class BusyError(StoreError):
    """Another process held the write lock for longer than the deadline."""


class UnseenDirectoryError(BusyError):
    """Only git can tell a directory's project, and the caller has no time for git; another process will ask it."""


class IndexMendedError(BusyError):
    """A derived table was damaged and was mended; nothing of the change was kept, and the same call works now."""


class ConflictError(StoreError):
    """Another process stored the same record first."""


class NotAStoreError(StoreError):
    """The file is no database, or a database of something else."""


class NewerSchemaError(StoreError):
    """The file was written by a newer memory-mcp."""


class ReadOnlyStoreError(StoreError):
    """The file can be read but not written."""


class StoreFullError(StoreError):
    """The disk has no room; the transaction was rolled back."""


class StoreGoneError(StoreError):
    """The file that was open has been deleted, moved, replaced or overwritten; it must be opened again."""


class StrayLogError(StoreError):
    """A log lies where the store was before it was moved, and could not be brought into the store."""


class DamagedError(StoreError):
    """The file, or one record in it, does not hold what was written."""


class IndexDamagedError(DamagedError):
    """A derived part is damaged, but no record is; the part, which `part` names, can be rebuilt."""

    def __init__(self, part: str, detail: str) -> None:
        super().__init__(f"{part} damaged ({detail}); 'memory-cli index rebuild' rebuilds it")
        self.part = part


class CacheError(MemoryMcpError):
    """The hot cache cannot be used just now; whoever asked it goes on with the store alone."""


class ProviderError(MemoryMcpError):
    """An embedding provider could not answer."""


class ImporterError(MemoryMcpError):
    """A source of an import could not be read."""


class GitError(MemoryMcpError):
    """Git is absent, failed, or did not end in time."""
