"""Import transcripts of a size: how fast, in how much memory, and that a second time changes nothing.

    python benchmarks/importing.py [--megabytes 200]

The transcripts are made from a seed in Claude Code's format: sessions of 60 to 200 lines with commands, edits, tests
that fail and pass, and outputs of 0.2 to 20 KB; about what real ones look like (the samples in ../shared are too few).
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WORDS = [
    *("parser", "server", "cache", "router", "billing", "search", "mailer", "report", "token", "index", "worker"),
    *("session", "retry", "timeout", "schema", "migration", "endpoint", "handler", "queue", "ledger", "invoice"),
]
LEAST_MB_PER_S = 5.0


def lines(dice: random.Random, session: str) -> Iterator[dict[str, Any]]:
    """Yield one session."""
    common = {"isSidechain": False, "cwd": "/srv/app", "sessionId": session, "version": "2.1.0"}
    second = dice.randrange(1_600_000_000, 1_760_000_000)

    def line(kind: str, message: dict[str, Any], **more: Any) -> dict[str, Any]:
        nonlocal second
        second += dice.randrange(1, 60)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
        return {
            **common,
            "type": kind,
            "uuid": f"{dice.getrandbits(128):032x}",
            "timestamp": stamp,
            "message": message,
            **more,
        }

    area, other = dice.choice(WORDS), dice.choice(WORDS)
    task = f"Make the {area} handle a {other} {dice.randrange(10_000)} without losing the {dice.choice(WORDS)}"
    yield line("user", {"role": "user", "content": task})
    for _ in range(dice.randrange(30, 100)):
        call = f"toolu_{dice.getrandbits(96):024x}"
        name = dice.choice(["Bash", "Read", "Edit", "Bash", "Grep"])
        file = f"src/{dice.choice(WORDS)}/{dice.choice(WORDS)}.py"
        failed = name == "Bash" and dice.random() < 0.25
        arguments: dict[str, Any] = {
            "Bash": {"command": f"pytest tests/{area} -k {dice.choice(WORDS)}", "description": "run the tests"},
            "Read": {"file_path": file},
            "Edit": {"file_path": file, "old_string": prose(dice, 200), "new_string": prose(dice, 300)},
            "Grep": {"pattern": dice.choice(WORDS), "path": "src"},
        }[name]
        part = {"type": "tool_use", "id": call, "name": name, "input": arguments}
        yield line("assistant", {"role": "assistant", "content": [{"type": "text", "text": prose(dice, 300)}, part]})
        text = prose(dice, int(200 * 1.6 ** dice.randrange(0, 10)))
        output = f"Exit code 1\n{text}\nE   KeyError: '{dice.choice(WORDS)}_{dice.choice(WORDS)}'" if failed else text
        result = {"type": "tool_result", "tool_use_id": call, "content": output, "is_error": failed}
        yield line(
            "user",
            {"role": "user", "content": [result]},
            toolUseResult=None if failed else {"stdout": output, "stderr": ""},
        )
    yield line("assistant", {"role": "assistant", "content": [{"type": "text", "text": f"The {area} now handles it."}]})


def prose(dice: random.Random, characters: int) -> str:
    """Return lines of words."""
    found = [f"{' '.join(dice.choices(WORDS, k=9))} {dice.randrange(1000)}" for _ in range(characters // 70 + 1)]
    return "\n".join(found)[:characters]


def fill(directory: Path, megabytes: float) -> int:
    """Write sessions until there are so many megabytes; return the bytes."""
    dice = random.Random(7)
    written = number = 0
    while written < megabytes * 1e6:
        session = f"{dice.getrandbits(128):032x}"
        path = directory / f"project-{number % 20}" / f"{session}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines(dice, session)), encoding="utf-8")
        written += path.stat().st_size
        number += 1
    return written


def imported(transcripts: Path, home: Path) -> tuple[float, float, dict[str, Any]]:
    """Run the command; return seconds, the peak of its memory in MB, and what it says."""
    environ = {**os.environ, "MEMORY_MCP_HOME": str(home), "MEMORY_MCP_PROJECT_NAME": "importing"}
    command = [sys.executable, "-m", "memory_cli.entrance", "import", "claude-code", str(transcripts), "--json"]
    started = time.perf_counter()
    done = subprocess.run(command, env=environ, capture_output=True, check=True)
    took_s = time.perf_counter() - started
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1_000
    return took_s, peak_mb, json.loads(done.stdout)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=200)
    wanted = parser.parse_args().megabytes
    with tempfile.TemporaryDirectory(prefix="memory-mcp-importing-") as scratch:
        transcripts = Path(scratch) / "projects"
        transcripts.mkdir()
        size = fill(transcripts, wanted)
        for name in ("first", "second"):
            took_s, peak_mb, said = imported(transcripts, Path(scratch) / "home")
            speed = size / 1e6 / took_s
            verdict = "" if speed >= LEAST_MB_PER_S else "  MISSED"
            counts = f"{said['imported']} imported, {said['known']} known"
            told = f"{size / 1e6:.0f} MB in {took_s:.1f} s: {speed:.1f} MB/s (>= {LEAST_MB_PER_S:g}){verdict}"
            print(f"{name:<7} {told}, peak {peak_mb:.0f} MB, {counts}")
        stored = sum(file.stat().st_size for file in (Path(scratch) / "home").glob("memory.db*")) / 1e6
        print(f"store   {stored:.0f} MB")


if __name__ == "__main__":
    main()
