"""Providers: the hashed one, the remote one against a real HTTP server, and the choice between them."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from memory_mcp.config.settings import EmbeddingSettings
from memory_mcp.embeddings.choice import choose
from memory_mcp.embeddings.hashing import HashProvider
from memory_mcp.embeddings.remote import RemoteProvider
from memory_mcp.errors import ConfigError, ProviderError


def test_hashed_vectors_are_of_unit_length_and_the_same_everywhere() -> None:
    provider = HashProvider()
    matrix = provider.embed_documents(["fix the flaky login test", "", "the of"])

    assert matrix.shape == (3, 2048)
    assert np.allclose(np.linalg.norm(matrix, axis=1), [1, 0, 0], atol=1e-6)
    assert int(np.flatnonzero(matrix[0])[0]) == 18
    assert np.array_equal(matrix, HashProvider().embed_documents(["fix the flaky login test", "", "the of"]))


def test_parts_of_words_bring_related_words_near() -> None:
    provider = HashProvider()
    query = provider.embed_query("authentification", lambda _: 1.0)
    near, far = provider.embed_documents(["authentication failed", "database migrated"]) @ query

    assert near > 0.2
    assert near > 4 * abs(far)


def test_rarity_moves_the_weight_to_the_rare_word() -> None:
    provider = HashProvider()
    documents = provider.embed_documents(["common", "quaint"])
    query = provider.embed_query("common quaint", {"common": 0.1, "quaint": 3.0}.__getitem__)

    common, quaint = documents @ query
    assert quaint > 10 * common


class Endpoint(BaseHTTPRequestHandler):
    """An OpenAI-compatible endpoint that fails as often as it is told."""

    failures = 0
    requests: list[dict[str, object]] = []  # noqa: RUF012 - shared by design: the server makes one handler per request

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Endpoint.requests.append({"path": self.path, "key": self.headers["Authorization"], **body})
        if Endpoint.failures:
            Endpoint.failures -= 1
            self.send_response(503)
            self.send_header("retry-after-ms", "1")
            self.end_headers()
            return
        data = [{"index": at, "embedding": [float(len(text)), 1.0, 0.0]} for at, text in enumerate(body["input"])]
        answer = json.dumps({"data": data[::-1], "model": body["model"], "object": "list"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def endpoint() -> Iterator[str]:
    Endpoint.failures = 0
    Endpoint.requests = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_remote_model_is_asked_in_batches_and_rows_keep_their_order(endpoint: str) -> None:
    provider = RemoteProvider(EmbeddingSettings(base_url=endpoint, api_key="k", model="m", batch_size=2))

    matrix = provider.embed_documents(["a", "bbbb", "cc"])

    assert np.allclose(matrix[:, 0] / matrix[:, 1], [1, 4, 2])
    assert np.allclose(np.linalg.norm(matrix, axis=1), 1)
    assert [len(request["input"]) for request in Endpoint.requests] == [2, 1]  # type: ignore[arg-type]  # a list of texts
    assert {(request["path"], request["key"], request["model"]) for request in Endpoint.requests} == {
        ("/v1/embeddings", "Bearer k", "m")
    }
    assert provider.dimension == 3


def test_a_key_in_the_environment_suffices_and_a_local_endpoint_needs_none(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    RemoteProvider(EmbeddingSettings(base_url=endpoint)).embed_documents(["x"])
    with pytest.raises(ProviderError, match=r"needs a key: set embeddings\.api_key, or OPENAI_API_KEY"):
        RemoteProvider(EmbeddingSettings()).embed_documents(["x"])
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
    RemoteProvider(EmbeddingSettings(base_url=endpoint)).embed_documents(["x"])
    RemoteProvider(EmbeddingSettings(base_url=endpoint, api_key="k")).embed_documents(["x"])

    assert [request["key"] for request in Endpoint.requests] == [
        "Bearer none",
        "Bearer from-the-environment",
        "Bearer k",
    ]


def test_a_key_alone_chooses_no_remote_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")

    assert [each.model for each in choose(EmbeddingSettings(), tmp_path)] == ["hash:2048"]


def test_a_remote_model_that_stumbles_is_asked_again(endpoint: str) -> None:
    Endpoint.failures = 2

    assert RemoteProvider(EmbeddingSettings(base_url=endpoint, retries=2)).embed_query("x", lambda _: 1.0).shape == (3,)
    assert len(Endpoint.requests) == 3


def test_a_remote_model_that_stays_away_is_a_provider_error(endpoint: str) -> None:
    Endpoint.failures = 9

    with pytest.raises(ProviderError, match=r"openai:http://127.* did not answer: Error code: 503"):
        RemoteProvider(EmbeddingSettings(base_url=endpoint, retries=1)).embed_documents(["x"])


def test_an_unexpected_dimension_is_refused(endpoint: str) -> None:
    with pytest.raises(ProviderError, match="answered dimension 3, expected 5"):
        RemoteProvider(EmbeddingSettings(base_url=endpoint, dimension=5)).embed_documents(["x"])


def test_auto_means_hash_while_no_model_is_installed(tmp_path: Path) -> None:
    assert [each.model for each in choose(EmbeddingSettings(), tmp_path)] == ["hash:2048"]
    assert choose(EmbeddingSettings(provider="none"), tmp_path) == []
    with pytest.raises(ConfigError, match="run 'memory-cli model install'"):
        choose(EmbeddingSettings(provider="minilm"), tmp_path)
