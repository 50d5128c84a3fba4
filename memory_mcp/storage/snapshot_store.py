"""This module keeps snapshots of the files that episodes touched."""

from collections.abc import Sequence

import msgspec

from memory_mcp.models.snapshots import FileState, Snapshot
from memory_mcp.storage import checksums, codec, documents
from memory_mcp.storage.database import Session
from memory_mcp.storage.documents import Writer

_FILES = msgspec.json.Decoder(dict[str, FileState])


def write_snapshot(session: Session, writer: Writer, episode_key: int, given: Snapshot) -> None:
    """Store the snapshot of an episode, instead of an earlier one."""
    snapshot = writer.redactor.clean(given)
    files = codec.dump(snapshot.files)
    session.run(
        "INSERT OR REPLACE INTO snapshots (episode_key, head, branch, files, taken_at, checksum)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (
            *(episode_key, snapshot.commit, snapshot.branch, files, snapshot.taken_at),
            checksums.SNAPSHOT.checksum(_fields(snapshot.commit, snapshot.branch, files)),
        ),
    )


def read_snapshots(session: Session, episode_keys: Sequence[int]) -> dict[int, Snapshot]:
    """Return the snapshots of episodes by key; what does not match its checksum counts as none."""
    found = {}
    for key, commit, branch, files, taken_at, stored in session.rows(
        "SELECT episode_key, head, branch, files, taken_at, checksum FROM snapshots"
        " WHERE episode_key IN (SELECT value FROM json_each(?))",
        (documents.keys_json(episode_keys),),
    ):
        if checksums.SNAPSHOT.match(stored, _fields(commit, branch, files)):
            found[key] = Snapshot(commit, branch, _FILES.decode(files), taken_at)
    return found


def _fields(commit: str, branch: str, files: str | None) -> dict[str, str | None]:
    return {"head": commit, "branch": branch, "files": files}
