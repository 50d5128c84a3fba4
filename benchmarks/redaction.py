"""Redact hostile, minified and ordinary text: the worst shape, the throughput, and the false alarms.

    python benchmarks/redaction.py [--packages DIRECTORY ...]

Exit code 1 if a shape takes more than 0.2 s for 100 kB made of its own marks, if a minified file passes at less than
8 MB/s, or if ordinary code raises more than one false alarm in 5,000 lines. The files are those of the packages that
this machine has, by default the site-packages of this interpreter; every second one, by a hash of its name, was
looked at while the shapes were written, and only the others count.
"""

import argparse
import base64
import hashlib
import random
import sys
import sysconfig
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from memory_mcp.redaction.finding import SHAPES, secrets
from memory_mcp.redaction.names import NAME_MARKS
from memory_mcp.redaction.redactor import Redactor

SIZE = 100_000
MOST_S = 0.2
LEAST_MB_PER_S = 8.0
LINES_PER_ALARM = 5_000
MINIFIED = 5_000_000
SUFFIXES = frozenset((".py", ".js", ".ts", ".mjs", ".cjs", ".json", ".css", ".map", ".md", ".yaml", ".yml", ".toml"))
TAILS = (
    *("", "a", "1", "-", "_", ".", "/", " ", "\n", "\\", "%", "\x1b[1m", "=", "='", '="', ": ", ":", "@", "://", "<"),
    *("a1-", "a.b.", "a1b2c3d4e5" * 4, "=a1b2c3d4", "='a b c", "a:b", "x" * 200, "a1" * 1000, "-a" * 150, " -p", ";a="),
)
FURTHER_MARKS = (
    *("cookie: a=", "set-cookie: ", "aws.secret=", "--token=a", "redis://", "redis://a:", "curl -u ", "mysql -u a"),
    *("docker login -u a ", "pwd=", "pass: |\n ", "<private>", "-----BEGIN RSA PRIVATE KEY-----", "machine a login b "),
    *(
        "\\u0070",
        "%70",
        "&#112;",
        "\x1b[",
        "\x1b]",
        "\uff50",
        "\u200b",
        "\\",
        '\\"',
        "password",
        'name="password" value=',
    ),
    *("a@", "a.", "M" * 24 + ".", "0" * 32 + "-us", "identified by '", "authorization: a ", "bearer a", "echo a | "),
)


def hostile_texts(size: int) -> Iterator[tuple[str, str]]:
    """Yield texts made of what each shape begins with, and what they are made of."""
    marks = dict.fromkeys((*FURTHER_MARKS, *NAME_MARKS, *(mark for shape in SHAPES for mark in shape.marks)))
    for mark in marks:
        for tail in TAILS:
            unit = mark + tail
            yield (unit * (size // len(unit) + 1))[:size], f"{mark!r} with {tail[:12]!r}"
        yield mark + "a1" * (size // 2), f"{mark!r} once"


def worst_shapes() -> list[tuple[float, str]]:
    """Return what takes longest, with its seconds."""
    redactor = Redactor(emails=True)
    taken = []
    for text, made_of in hostile_texts(SIZE):
        begun = time.process_time()
        redactor.text(text)
        taken.append((time.process_time() - begun, made_of))
    return sorted(taken, reverse=True)


def is_held_back(path: Path) -> bool:
    """Whether a file was kept out of sight while the shapes were written."""
    return zlib.crc32(path.name.encode()) % 2 == 1


def ordinary_files(roots: Sequence[Path], *, held_back: bool) -> Iterator[Path]:
    """Yield the text files of packages."""
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.suffix in SUFFIXES and path.is_file() and is_held_back(path) == held_back:
                yield path


def minified(roots: Sequence[Path]) -> dict[str, str]:
    """Return one line of five megabytes for each kind of file, made of the packages' own."""
    made: dict[str, list[str]] = {".js": [], ".json": [], ".css": []}
    sizes = dict.fromkeys(made, 0)
    for path in ordinary_files(roots, held_back=True):
        if path.suffix in made and sizes[path.suffix] < MINIFIED:
            text = " ".join(path.read_text(encoding="utf-8", errors="replace").split())
            made[path.suffix].append(text)
            sizes[path.suffix] += len(text)
    lines = {suffix: " ".join(parts) for suffix, parts in made.items() if parts}
    return {suffix: (line * (MINIFIED // len(line) + 1))[:MINIFIED] for suffix, line in lines.items()}


def throughput(text: str) -> float:
    """Return the megabytes per second, the better of two passes."""
    seconds = []
    for _ in range(2):
        begun = time.process_time()
        secrets(text)
        seconds.append(time.process_time() - begun)
    return len(text) / 1e6 / min(seconds)


def false_alarms(paths: Iterator[Path]) -> tuple[int, int, list[str]]:
    """Return the files and lines read, and each place where a secret was seen in them."""
    files = lines = 0
    alarms = []
    known: set[bytes] = set()
    for path in paths:
        content = path.read_bytes()[:2_000_000]
        if (digest := hashlib.sha256(content).digest()) in known:
            continue
        known.add(digest)
        text = content.decode(errors="replace")
        files += 1
        lines += text.count("\n") + 1
        alarms += [f"{span.name}: {path}: {text[span.start - 50 : span.end + 10]!r:.160}" for span in secrets(text)]
    return files, lines, alarms


def made_files() -> dict[str, str]:
    """Return lock files, hashes, ids and pictures, made from a seed."""
    dice = random.Random(11)

    def digest(bits: int) -> str:
        return f"{dice.getrandbits(bits):0{bits // 4}x}"

    def encoded(size: int) -> str:
        return base64.b64encode(dice.randbytes(size)).decode()

    def uuid() -> str:
        return "-".join(digest(bits) for bits in (32, 16, 16, 16, 48))

    lines = range(500)
    return {
        "poetry.lock": "\n".join(f'{{file = "p{i}-1.0.tar.gz", hash = "sha256:{digest(256)}"}},' for i in lines),
        "Cargo.lock": "\n".join(f'name = "c{i}"\nversion = "1.{i}.0"\nchecksum = "{digest(256)}"' for i in lines),
        "yarn.lock": "\n".join(f'p@^1.{i}:\n  resolved "https://r/p-{i}.tgz#{digest(160)}"' for i in lines),
        "package-lock.json": "\n".join(f'"integrity": "sha512-{encoded(64)}",' for _ in lines),
        "go.sum": "\n".join(f"github.com/a/b{i} v1.2.{i} h1:{encoded(32)}" for i in lines),
        "git log": "\n".join(f"commit {digest(160)}\nindex {digest(28)}..{digest(28)} 100644" for _ in lines),
        "ids": "\n".join(f'{{"sessionId": "{uuid()}", "parentUuid": "{uuid()}"}}' for _ in lines),
        "pictures": "\n".join(f'<img src="data:image/png;base64,{encoded(900)}">' for _ in lines),
        "map": "\n".join(f'{{"version":3,"mappings":"{";".join(encoded(3) for _ in range(40))}"}}' for _ in lines),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", nargs="*", type=Path, default=[Path(sysconfig.get_path("purelib"))])
    parser.add_argument("--seen", action="store_true", help="read the half that was looked at instead")
    parser.add_argument("--only", choices=("shapes", "throughput", "alarms"), help="measure one part")
    parser.add_argument("--show", type=int, default=20, help="false alarms to print")
    given = parser.parse_args()
    missed = False
    if given.only in {None, "shapes"}:
        taken = worst_shapes()
        print(f"{len(taken)} texts of {SIZE // 1000} kB made of the shapes' own marks; the worst:")
        for seconds, made_of in taken[:5]:
            print(f"  {seconds:6.3f} s  {made_of}")
        missed |= taken[0][0] > MOST_S
    if given.only in {None, "throughput"}:
        for suffix, text in minified(given.packages).items():
            speed = throughput(text)
            print(f"one line of {len(text) / 1e6:.0f} MB of {suffix[1:]}: {speed:.1f} MB/s")
            missed |= speed < LEAST_MB_PER_S
    if given.only in {None, "alarms"}:
        files, lines, alarms = false_alarms(ordinary_files(given.packages, held_back=not given.seen))
        rate = len(alarms) * LINES_PER_ALARM / max(lines, 1)
        print(f"{len(alarms)} alarms in {lines:,} lines of {files:,} ordinary files: {rate:.2f} in {LINES_PER_ALARM:,}")
        print("\n".join(f"  {alarm}" for alarm in alarms[: given.show]))
        made = made_files()
        print(f"{sum(len(secrets(text)) for text in made.values())} alarms in {', '.join(made)} made from a seed")
        missed |= rate > 1
    sys.exit(missed)


if __name__ == "__main__":
    main()
