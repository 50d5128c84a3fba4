"""This module says where the local sentence model lies, and whether it is there."""

from pathlib import Path

MODEL_NAME = "all-MiniLM-L6-v2"
FILES = ("model.safetensors", "vocab.txt")


def model_directory(models: Path) -> Path:
    """Return where the model lies: in a directory of its own, or in `models` itself if its files are there."""
    return models if (models / FILES[0]).is_file() else models / MODEL_NAME


def is_installed(models: Path) -> bool:
    """Whether both files of the model are present."""
    return all((model_directory(models) / name).is_file() for name in FILES)


def installed(models: Path) -> Path | None:
    """Return where the installed model lies, None without one."""
    return model_directory(models) if is_installed(models) else None
