"""This module chooses the providers that the settings ask for."""

from pathlib import Path

from memory_mcp.config.settings import EmbeddingSettings
from memory_mcp.embeddings.hashing import HashProvider
from memory_mcp.embeddings.installed_models import installed
from memory_mcp.embeddings.minilm import MiniLmProvider
from memory_mcp.embeddings.provider import Provider
from memory_mcp.embeddings.remote import RemoteProvider
from memory_mcp.errors import ConfigError


def choose(settings: EmbeddingSettings, models: Path) -> list[Provider]:
    """Return the wanted provider first, then those whose vectors may serve while its own are being made.

    An empty list means keywords only.

    Raises:
        ConfigError: the sentence model is asked for and not installed.

    """
    if settings.provider == "none":
        return []
    local: list[Provider] = [HashProvider()]
    if directory := installed(models):
        local.insert(0, MiniLmProvider(directory))
    elif settings.provider == "minilm":
        raise ConfigError(f"the sentence model is not installed in {models}; run 'memory-cli model install'")
    if settings.provider == "hash":
        return [*reversed(local)]
    return [RemoteProvider(settings), *local] if settings.provider == "openai" else local
