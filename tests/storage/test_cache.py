"""The cache's files: shared between processes, and rebuilt whenever they cannot be trusted."""

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from memory_mcp.errors import CacheError
from memory_mcp.storage.cache import Cache
from memory_mcp.storage.cache_files import Stamp

MAP_BYTES = 1 << 20
OPEN = (
    "import os, signal, sys; from pathlib import Path; from memory_mcp.storage.cache import Cache\n"
    f"cache = Cache(Path(sys.argv[1]), Path(sys.argv[2]), map_bytes={MAP_BYTES})\n"
)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "memory.db"
    path.write_bytes(b"stands for the store")
    return path


def opened(tmp_path: Path, store: Path) -> Cache:
    return Cache(tmp_path / "cache" / "hot", store, map_bytes=MAP_BYTES)


def put(cache: Cache, key: bytes, value: bytes) -> bool:
    return cache.write(lambda pages: pages.put("episodes", key, value))


def get(cache: Cache, key: bytes) -> bytes | None:
    with cache.read() as pages:
        found = pages.get("episodes", key)
        return None if found is None else bytes(found)


def in_another_process(tmp_path: Path, store: Path, code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", OPEN + code, str(tmp_path / "cache" / "hot"), str(store)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_processes_share_what_one_of_them_wrote(tmp_path: Path, store: Path) -> None:
    cache = opened(tmp_path, store)
    put(cache, b"mine", b"1")

    code = "cache.write(lambda pages: pages.put('episodes', b'theirs', b'2'))\n"
    code += "with cache.read() as pages: print(bytes(pages.get('episodes', b'mine')))"
    done = in_another_process(tmp_path, store, code)

    assert done.stdout.strip() == "b'1'", done.stderr
    assert get(cache, b"theirs") == b"2"


def test_its_files_are_for_the_owner_alone(tmp_path: Path, store: Path) -> None:
    put(opened(tmp_path, store), b"key", b"value")

    modes = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "cache" / "hot").iterdir()}

    assert modes == {"data.mdb": 0o600, "lock.mdb": 0o600, "writer.lock": 0o600, "stamp": 0o600}
    assert (tmp_path / "cache" / "hot").stat().st_mode & 0o777 == 0o700


def test_the_map_grows_and_other_processes_follow(tmp_path: Path, store: Path) -> None:
    cache = opened(tmp_path, store)
    put(cache, b"first", b"x")

    code = "for n in range(40): assert cache.write(lambda pages: pages.put('vectors', b'%d' % n, bytes(300_000)))"
    done = in_another_process(tmp_path, store, code)

    assert done.returncode == 0, done.stderr
    with cache.read() as pages:
        assert pages.count("vectors") == 40
    assert put(cache, b"second", b"y")
    assert cache.state().map_bytes > 12_000_000
    assert cache.rebuilt == []


def test_a_directory_removed_in_mid_use_is_made_anew(tmp_path: Path, store: Path) -> None:
    cache = opened(tmp_path, store)
    put(cache, b"key", b"old")
    with cache.read() as pages:
        shutil.rmtree(tmp_path / "cache")
        assert bytes(pages.get("episodes", b"key") or b"") == b"old", "a snapshot that is open stays whole"

    assert put(cache, b"other", b"new")

    assert get(cache, b"key") is None
    assert get(cache, b"other") == b"new"


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        (lambda hot, _: (hot / "lock.mdb").unlink(), "some of its files were removed"),
        (lambda hot, _: (hot / "stamp").unlink(), "some of its files were removed"),
        (lambda hot, _: (hot / "stamp").write_bytes(b"\0\0"), "its stamp could not be read"),
        (lambda hot, _: (hot / "data.mdb").write_bytes(b"no database of LMDB" * 1000), "MDB_INVALID"),
        (lambda hot, _: os.truncate(hot / "data.mdb", 3 * 4096), "its file was cut short"),
        (lambda hot, _: os.truncate(hot / "data.mdb", 0), ""),
        (lambda hot, _: (hot / "writer.lock").write_bytes(b"!"), "a process died while it wrote"),
        (lambda _, store: (store.rename(store.with_name("old")), store.write_bytes(b"")), "it was made for another"),
    ],
    ids=["no lock", "no stamp", "torn stamp", "foreign", "cut short", "empty", "died in a write", "other store"],
)
def test_files_that_cannot_be_trusted_are_rebuilt_with_the_reason(
    tmp_path: Path, store: Path, harm: object, reason: str
) -> None:
    before = opened(tmp_path, store)
    for number in range(300):
        put(before, b"%d" % number, bytes(1000))
    before.close()
    assert callable(harm)
    harm(tmp_path / "cache" / "hot", store)

    cache = opened(tmp_path, store)

    assert get(cache, b"7") is None
    assert put(cache, b"7", b"again")
    assert get(cache, b"7") == b"again"
    assert reason in " ".join(cache.rebuilt)


@pytest.mark.parametrize("change", [{"format": 0}, {"boot": "another"}], ids=["format", "boot"])
def test_another_format_or_another_boot_is_not_trusted(tmp_path: Path, store: Path, change: dict[str, object]) -> None:
    before = opened(tmp_path, store)
    put(before, b"key", b"old")
    before.close()
    stamp = tmp_path / "cache" / "hot" / "stamp"
    found = msgspec.json.decode(stamp.read_bytes(), type=Stamp)
    stamp.write_bytes(msgspec.json.encode(msgspec.structs.replace(found, **change)))

    cache = opened(tmp_path, store)

    assert get(cache, b"key") is None
    assert cache.rebuilt in (["it had format 0"], ["the machine was started anew"])


@pytest.mark.parametrize("seed", range(12))
def test_torn_pages_cost_at_most_one_process_and_never_a_right_answer(tmp_path: Path, store: Path, seed: int) -> None:
    cache = opened(tmp_path, store)
    for number in range(200):
        put(cache, b"%d" % number, b"%d " % number * 500)
    cache.close()
    dice = random.Random(seed)  # noqa: S311 - a seed, not a secret
    data = tmp_path / "cache" / "hot" / "data.mdb"
    with data.open("r+b") as file:
        for _ in range(dice.choice((1, 5, 50))):
            file.seek(dice.randrange(2, data.stat().st_size // 4096) * 4096)
            file.write(dice.choice((bytes(4096), dice.randbytes(4096))))

    code = (
        "from memory_mcp.errors import CacheError\n"
        "try:\n"
        "    with cache.read() as pages:\n"
        "        for number in range(200): pages.get('episodes', b'%d' % number)\n"
        "    cache.write(lambda pages: pages.put('episodes', b'7', b'fresh'))\n"
        "except CacheError: pass\n"
    )
    first = in_another_process(tmp_path, store, code)
    again = opened(tmp_path, store)

    assert first.returncode in {0, -signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS}
    try:
        put(again, b"7", b"mine")
    except CacheError:
        assert put(again, b"7", b"mine"), "what was found torn is rebuilt by the next use"
    assert get(again, b"7") == b"mine"


def test_a_writer_killed_in_the_middle_leaves_a_cache_that_is_rebuilt(tmp_path: Path, store: Path) -> None:
    cache = opened(tmp_path, store)
    put(cache, b"key", b"old")

    code = "cache.write(lambda pages: (pages.put('episodes', b'key', b'half'), os.kill(os.getpid(), signal.SIGKILL)))"
    done = in_another_process(tmp_path, store, code)

    assert done.returncode == -signal.SIGKILL
    with pytest.raises(CacheError, match="a process died while it wrote"):
        put(cache, b"key", b"new")
    assert put(cache, b"key", b"new")
    assert get(cache, b"key") == b"new"
    assert cache.rebuilt == ["a process died while it wrote"]


def test_a_reader_killed_in_the_middle_hinders_nobody(tmp_path: Path, store: Path) -> None:
    cache = opened(tmp_path, store)
    put(cache, b"key", b"old")

    code = "with cache.read() as pages: os.kill(os.getpid(), signal.SIGKILL)"
    assert in_another_process(tmp_path, store, code).returncode == -signal.SIGKILL

    for number in range(200):
        assert put(cache, b"key", b"%d" % number * 3000)
    assert get(cache, b"key") == b"199" * 3000
    assert cache.rebuilt == []


def test_a_write_does_not_wait_for_a_process_that_holds_the_lock(tmp_path: Path, store: Path) -> None:
    cache = opened(tmp_path, store)
    put(cache, b"key", b"old")
    code = "cache.write(lambda pages: (print('holding', flush=True), sys.stdin.read()))"
    command = [sys.executable, "-c", OPEN + code, str(tmp_path / "cache" / "hot"), str(store)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "holding\n"

        assert put(cache, b"key", b"new") is False
        assert get(cache, b"key") == b"old"

        holder.communicate("")
    assert put(cache, b"key", b"new")


def test_a_disk_without_room_leaves_what_is_there_readable(tmp_path: Path, store: Path) -> None:
    code = (
        "import resource, sys; from memory_mcp.errors import CacheError\n"
        "sys.dont_write_bytecode = True\n"
        "assert cache.write(lambda pages: pages.put('episodes', b'key', b'old'))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
        "try: cache.write(lambda pages: pages.put('episodes', b'large', bytes(900_000)))\n"
        "except CacheError as error: print(error)\n"
        "with cache.read() as pages: print(bytes(pages.get('episodes', b'key')), pages.get('episodes', b'large'))\n"
        "print(cache.trouble)"
    )

    done = in_another_process(tmp_path, store, code)

    assert done.returncode == 0, done.stderr
    assert "the cache is not in use: " in done.stdout
    assert "b'old' None" in done.stdout
    assert get(opened(tmp_path, store), b"key") == b"old"


def test_a_place_that_cannot_be_made_is_told_and_not_tried_at_every_use(tmp_path: Path, store: Path) -> None:
    (tmp_path / "cache").write_text("a file where the directory should be")
    cache = opened(tmp_path, store)

    with pytest.raises(CacheError, match="Not a directory"):
        get(cache, b"key")
    (tmp_path / "cache").unlink()
    with pytest.raises(CacheError, match="Not a directory"):
        get(cache, b"key")

    assert cache.trouble
    assert "Not a directory" in cache.trouble


def test_clearing_leaves_an_empty_cache_that_works(tmp_path: Path, store: Path) -> None:
    cache = opened(tmp_path, store)
    put(cache, b"key", b"old")

    cache.clear()

    assert get(cache, b"key") is None
    assert cache.state().entries["episodes"] == 0
