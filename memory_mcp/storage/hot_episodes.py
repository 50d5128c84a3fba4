"""This module keeps the episodes in use close at hand: decoded in this process, encoded in the shared cache."""

import contextlib
import struct
import threading
import zlib
from collections import OrderedDict
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from memory_mcp.clock import Clock
from memory_mcp.config.settings import CacheSettings
from memory_mcp.errors import CacheError
from memory_mcp.models.episodes import Episode, Step
from memory_mcp.storage.cache import Cache, Pages
from memory_mcp.storage.database import Session, Version
from memory_mcp.storage.marks import Mark, mark_of

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Episode)
_HEAD = struct.Struct("<IqqqQ")  # CRC-32 of all that follows, revision, updated_at, checksum, when it was kept
_AGE = struct.Struct(">Q")
_LARGEST_SHARE = 16  # an episode above this part of the cache is not kept
_REFRESH_US = 86_400_000_000  # an episode read a day after it was kept is kept anew, so that it leaves later
_EVICTED_AT_ONCE = 64
_MARK = b"mark"
_TALLY = b"episodes"


class Revision(Struct, frozen=True):
    """What tells one state of an episode from another."""

    number: int
    updated_at: int
    checksum: int


class HotCounts(Struct, frozen=True):
    """Reads that were served and were not, episodes that had to leave, bytes held: of all processes together."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0
    bytes: int = 0


class _Held(Struct):
    episode: Episode
    revision: Revision
    size: int
    version: Version


class HotEpisodes:
    """Episodes by id, each with the revision that it shows.

    Nothing here is trusted by itself: an episode is handed out for the revision that the caller's own snapshot names,
    or while the database has not changed since it was last compared.
    """

    def __init__(self, cache: Cache | None, settings: CacheSettings, clock: Clock) -> None:
        self._cache = cache
        self._clock = clock
        self._decoded_bytes = settings.decoded_mb << 20
        self._cached_bytes = settings.episodes_mb << 20
        self._keep_us = int(settings.keep_days * 86_400e6)
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._held_bytes = 0
        self._lock = threading.Lock()
        self._confirmed = False
        self._unwritten = HotCounts()
        self.hits = 0
        self.cache_hits = 0
        self.misses = 0

    def unchanged(self, episode_id: str, version: Version) -> Episode | None:
        """Return an episode that was compared with the store at this very version of the database."""
        with self._lock:
            held = self._held.get(episode_id)
            if held is None or held.version != version:
                return None
            self._held.move_to_end(episode_id)
            self.hits += 1
            return held.episode

    def find(self, session: Session, episode_id: str, revision: Revision, version: Version | None) -> Episode | None:
        """Return an episode in the state that a snapshot names; `version` was read before the snapshot."""
        with self._lock:
            held = self._held.get(episode_id)
            if held is not None and held.revision == revision:
                if version is not None:
                    held.version = version
                self._held.move_to_end(episode_id)
                self.hits += 1
                return held.episode
        found = self.read(session, episode_id, revision)
        if found is None:
            self.misses += 1
            return None
        self.cache_hits += 1
        episode, size = found
        self._hold(episode, revision, size, version)
        return episode

    def keep(self, episode: Episode, revision: Revision, mark: Mark, version: Version | None = None) -> None:
        """Keep an episode as the store has it; one without steps is read as fast as it is found in the shared cache."""
        try:
            encoded = _ENCODER.encode(episode)
        except (OverflowError, UnicodeEncodeError):  # it is served all the same, only not cached
            self.forget_here(episode.id)
            return
        self._hold(episode, revision, len(encoded), version)
        if episode.steps:
            self._write(episode.id, revision, encoded, mark)

    def extend(self, episode_id: str, before: Revision, after: Revision, steps: Sequence[Step], mark: Mark) -> None:
        """Carry an episode that is held over to its next revision, which has more steps; one that is not stays away."""
        with self._lock:
            held = self._held.get(episode_id)
        if held is not None and held.revision == before:
            grown = (*held.episode.steps, *steps)
            episode = msgspec.structs.replace(held.episode, steps=grown, updated_at=after.updated_at)
            self.keep(episode, after, mark)

    def forget_here(self, episode_id: str) -> None:
        """Drop an episode from what this process holds."""
        with self._lock:
            held = self._held.pop(episode_id, None)
            self._held_bytes -= held.size if held else 0

    def forget(self, episode_id: str) -> None:
        """Drop an erased episode, from the cache of all processes too."""
        self.forget_here(episode_id)
        if self._cache is None or not (self._cache.is_open or self._cache.exists):
            return
        with contextlib.suppress(CacheError):
            key = episode_id.encode()
            if not self._cache.write(lambda pages: _put_tally(pages, self._dropped(pages, key)), patience_s=1.0):
                self._cache.discard("an erased episode could not be taken out of it")

    def mark(self, session: Session) -> Mark:
        """Return the newest place in a snapshot's history, to be kept beside an episode read from it."""
        with contextlib.suppress(CacheError):
            self._confirm(session)
        return mark_of(session)

    def counts(self) -> HotCounts | None:
        """Return what all processes have counted, None without a cache."""
        if self._cache is None or not self._cache.exists:
            return None
        with contextlib.suppress(CacheError), self._cache.read() as pages:
            return _tally(pages)
        return None

    @property
    def decoded(self) -> tuple[int, int]:
        """How many episodes this process holds decoded, and their encoded bytes."""
        return len(self._held), self._held_bytes

    def _hold(self, episode: Episode, revision: Revision, size: int, version: Version | None) -> None:
        if size > self._decoded_bytes // _LARGEST_SHARE:
            return
        with self._lock:
            replaced = self._held.pop(episode.id, None)
            self._held_bytes += size - (replaced.size if replaced else 0)
            self._held[episode.id] = _Held(episode, revision, size, version or Version())
            while self._held_bytes > self._decoded_bytes:
                self._held_bytes -= self._held.popitem(last=False)[1].size

    def read(self, session: Session, episode_id: str, revision: Revision) -> tuple[Episode, int] | None:
        """Read the shared cache, if this process uses it."""
        if self._cache is None or not self._cache.is_open:
            return None
        try:
            self._confirm(session)
            with self._cache.read() as pages:
                value = pages.get("episodes", episode_id.encode())
                if value is None:
                    return None
                crc, number, updated_at, checksum, kept_at = _HEAD.unpack_from(value)
                if (number, updated_at, checksum) != (revision.number, revision.updated_at, revision.checksum):
                    return None
                if zlib.crc32(value[4:]) != crc:
                    self._cache.discard("an episode in it did not match its checksum")
                    return None
                episode = _DECODER.decode(value[_HEAD.size :])
                encoded = bytes(value[_HEAD.size :]) if self._clock.now() - kept_at > _REFRESH_US else None
                size = len(value)
        except (CacheError, struct.error, msgspec.MsgspecError):
            return None
        if encoded is not None:
            self._write(episode_id, revision, encoded, self.mark(session))
        return episode, size

    def _write(self, episode_id: str, revision: Revision, encoded: bytes, mark: Mark) -> None:
        """Write to the shared cache, if this process uses it and nobody else is writing just now."""
        if self._cache is None or not self._cache.is_open or len(encoded) > self._cached_bytes // _LARGEST_SHARE:
            return
        now = self._clock.now()
        body = _HEAD.pack(0, revision.number, revision.updated_at, revision.checksum, now)[4:] + encoded

        def put(pages: Pages) -> None:
            key = episode_id.encode()
            tally = self._dropped(pages, key)
            pages.put("episodes", key, zlib.crc32(body).to_bytes(4, "little") + body)
            pages.put("ages", _AGE.pack(now) + key, b"")
            pages.put("counters", _MARK, _ENCODER.encode(mark))
            grown = msgspec.structs.replace(tally, bytes=tally.bytes + len(body) + 4)
            _put_tally(pages, self._evicted(pages, grown, now))

        with contextlib.suppress(CacheError):
            self._cache.write(put)

    def _dropped(self, pages: Pages, key: bytes) -> HotCounts:
        """Take an episode out, and return the tally with what was counted meanwhile."""
        tally = _tally(pages)
        freed = _remove(pages, key)
        hits, misses = self.hits + self.cache_hits, self.misses
        done = HotCounts(
            tally.hits + hits - self._unwritten.hits,
            tally.misses + misses - self._unwritten.misses,
            tally.evictions,
            tally.bytes - freed,
        )
        self._unwritten = HotCounts(hits, misses)
        return done

    def _evicted(self, pages: Pages, tally: HotCounts, now: int) -> HotCounts:
        """Let the ones that were kept longest ago leave, until the rest is small and young enough."""
        size, evicted = tally.bytes, 0
        for age in pages.keys("ages", limit=_EVICTED_AT_ONCE):
            if size <= self._cached_bytes and now - _AGE.unpack_from(age)[0] <= self._keep_us:
                break
            size -= _remove(pages, age[_AGE.size :])
            evicted += 1
        return msgspec.structs.replace(tally, bytes=size, evictions=tally.evictions + evicted)

    def _confirm(self, session: Session) -> None:
        """Throw the cache away if the store's history is not the one that it was filled from: a copy was restored."""
        if self._confirmed or self._cache is None or not self._cache.is_open:
            return
        with self._cache.read() as pages:
            value = pages.get("counters", _MARK)
            mark = Mark() if value is None else msgspec.msgpack.decode(value, type=Mark)
        self._confirmed = True
        if not mark.fits(session):
            self._cache.discard("the store was restored from a copy")


def _tally(pages: Pages) -> HotCounts:
    value = pages.get("counters", _TALLY)
    return HotCounts() if value is None else msgspec.msgpack.decode(value, type=HotCounts)


def _put_tally(pages: Pages, tally: HotCounts) -> None:
    pages.put("counters", _TALLY, _ENCODER.encode(tally))


def _remove(pages: Pages, key: bytes) -> int:
    """Remove an episode and its age; return the bytes that this frees."""
    value = pages.get("episodes", key)
    if value is None:
        return 0
    size, kept_at = len(value), _HEAD.unpack_from(value)[4]
    pages.delete("episodes", key)
    pages.delete("ages", _AGE.pack(kept_at) + key)
    return size
