"""A hook's lean imports."""

import subprocess
import sys
from pathlib import Path

LEAN = """
import sys
from memory_mcp.stand_ins import import_lean
import_lean()
"""


def told(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-P", "-c", LEAN + code], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_pathlib_and_msgspec_come_without_what_a_hook_never_uses() -> None:
    code = "print(*sorted({'pathlib', 'msgspec', 'textwrap', 'decimal', 'msgspec.inspect'} & set(sys.modules)))"

    assert told(code) == ["msgspec pathlib"]


def test_nothing_stands_in_for_a_module_once_the_imports_are_done() -> None:
    code = """
import decimal, platform, statistics, textwrap, typing_extensions, urllib.parse
print(decimal.Decimal("1.5"), statistics.median([1, 2]), textwrap.dedent("  a"), urllib.parse.quote("ä"))
print(bool(platform.python_version()), hasattr(typing_extensions, "TypedDict"))
"""

    assert told(code) == ["1.5 1.5 a %C3%A4", "True True"]


def test_what_was_imported_with_stand_ins_works_when_it_needs_the_real_modules() -> None:
    code = """
import pathlib, msgspec, msgspec.inspect, msgspec.toml
kind = msgspec.inspect.type_info(int)
path = pathlib.PurePosixPath("/a b")
print(path.as_uri(), path.match("a ?"), msgspec.json.schema(int), isinstance(kind, msgspec.inspect.IntType))
print(msgspec.toml.decode("a = 1"))
"""

    assert told(code) == ["file:///a%20b True {'type': 'integer'} True", "{'a': 1}"]


def test_a_module_that_is_there_already_stays() -> None:
    code = f"import decimal, textwrap\nbefore = decimal\n{LEAN}\nprint(sys.modules['decimal'] is before)"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "True\n"


def test_a_module_that_is_called_while_others_are_imported_is_the_real_one(tmp_path: Path) -> None:
    (tmp_path / "msgspec.py").write_text('import textwrap\nsaid = textwrap.dedent("  a")\n', encoding="utf-8")
    code = f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n{LEAN}\nimport msgspec, textwrap\n"
    code += "print(msgspec.said, textwrap.__file__ is not None)"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "a True\n"
