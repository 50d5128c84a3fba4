"""Make the table of words that are common in writing about any program (memory_mcp/retrieval/common_words.py).

Read are the changelogs, news and READMEs of installed system packages, and the docstrings and descriptions of Python
packages: nothing that recall is measured on (directories of those projects are left out by name). A changelog is cut
into its entries. Each of the four sources counts alike, and no package gives more than sixty texts to one.

    python benchmarks/common_words.py --docs /usr/share/doc --python DIR_OF_STANDARD_LIBRARY --packages SITE_PACKAGES
"""

import argparse
import ast
import gzip
import math
import random
import re
import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from memory_cli.bench.memories import open_at, scratch
from memory_mcp.embeddings.words import STOP_WORDS, words
from memory_mcp.storage.database import Session

_MEASURED = re.compile(
    r"click|pytest|pluggy|celery|kombu|scrapy|sqlite.utils|llm|jekyll|sphinx|mocha|memory_", re.IGNORECASE
)
_PER_PACKAGE, _LEAST_PACKAGES, _CHARACTERS = 60, 25, 1_500
_LEAST_SHARE = 5e-4  # of the texts; a rarer word weighs by the store alone
_ENTRY = re.compile(r"\n\s*(?:[*+-]|\n)\s*")
_SHORTEST = 15


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--docs", type=Path, default=Path("/usr/share/doc"))
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--packages", type=Path, required=True)
    chosen = parser.parse_args()
    sources: dict[str, Iterable[tuple[str, str]]] = {
        "changelogs": of_documents(chosen.docs, ("changelog*",)),
        "news": of_documents(chosen.docs, ("NEWS*", "README*")),
        "standard library": of_python(chosen.python),
        "packages": of_python(chosen.packages),
    }
    with scratch() as home, open_at(Path(home)) as memory, memory.store.database.read() as session:
        shares = shares_of(session, sources)
    classes: dict[float, list[str]] = defaultdict(list)
    for word, share in sorted(shares.items()):
        classes[max(round(2 * 2 * (-math.log(share) - 3)) / 2, 1.0)].append(word)
    for weight in sorted(classes):
        print(f'    {weight}: """')
        print("\n".join(textwrap.wrap(" ".join(classes[weight]), 118)))
        print('""",')


def shares_of(session: Session, sources: Mapping[str, Iterable[tuple[str, str]]]) -> dict[str, float]:
    """Return for each common stem the mean share of the texts of each source that hold it."""
    stem = lru_cache(None)(lambda word: " ".join(session.stem(word)))
    shares: dict[str, float] = defaultdict(float)
    packages: dict[str, set[str]] = defaultdict(set)
    for source, texts in sources.items():
        by_package: dict[str, list[str]] = defaultdict(list)
        for package, text in texts:
            by_package[package].append(text)
        held: Counter[str] = Counter()
        count = 0
        for package, theirs in sorted(by_package.items()):
            for text in random.Random(1).sample(theirs, min(len(theirs), _PER_PACKAGE)):
                found = {stem(word) for word in words(text[:_CHARACTERS]) if word not in STOP_WORDS}
                held.update(found)
                count += 1
                for word in found:
                    packages[word].add(f"{source} {package}")
        for word, number in held.items():
            shares[word] += number / count / len(sources)
    return {
        word: share
        for word, share in shares.items()
        if share >= _LEAST_SHARE and len(packages[word]) >= _LEAST_PACKAGES and word.isalpha()
    }


def of_documents(root: Path, patterns: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the entries of the changelogs or the paragraphs of the documents of each system package."""
    for directory in sorted(root.iterdir()):
        for file in sorted(each for pattern in patterns for each in directory.glob(pattern)):
            if _MEASURED.search(directory.name) or file.is_symlink() or not file.is_file():
                continue
            data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
            entries = _ENTRY.split(data.decode(errors="replace"))
            signed = (entry for entry in entries if len(entry) > _SHORTEST and not entry.startswith("--"))
            yield from ((directory.name, entry) for entry in signed)


def of_python(root: Path) -> Iterator[tuple[str, str]]:
    """Yield the docstrings and the descriptions of each package."""
    for file in sorted((*root.rglob("*.py"), *root.rglob("METADATA"))):
        parts = file.relative_to(root).parts
        if _MEASURED.search(str(parts)) or "site-packages" in parts or any("test" in part for part in parts):
            continue
        text = file.read_text(errors="replace")
        found = docstrings(text) if file.suffix == ".py" else text.split("\n\n")
        yield from ((parts[0], each) for each in found if len(each) > _SHORTEST)


def docstrings(source: str) -> Iterator[str]:
    """Yield the docstrings of a module."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


if __name__ == "__main__":
    main()
