"""Secrets never reach the file: every shape, ordinary code, and every door into the store."""

import json
import sysconfig
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_mcp.config.places import places
from memory_mcp.config.settings import RedactionSettings, Settings, StoreSettings
from memory_mcp.memory import Memory
from memory_mcp.models.episodes import Context, Episode, Failure, Step, StepError, StepSuccess, Success
from memory_mcp.models.recall import Query
from memory_mcp.models.recommendations import Recommendation
from memory_mcp.monitoring.cache_care import cache_of
from memory_mcp.redaction.finding import SHAPES
from memory_mcp.redaction.redactor import Redactor
from memory_mcp.storage import documents, secret_scan
from memory_mcp.storage.handoff_store import handoff_checksum
from tests.fakes import FrozenClock

HEX = "0123456789abcdef" * 10
MIXED = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY" * 8
UPPER = "A1B2C3D4E5F6G7H8J9K0" * 5
# name of the shape → (text before, the secret, text after); put together here, so that no scanner takes them for real
EXAMPLES: list[tuple[str, str, str, str]] = [
    ("private-key", "", "-----BEGIN RSA " + f"PRIVATE KEY-----\n{MIXED}\n-----END RSA PRIVATE KEY-----", " kept"),
    ("private-key", "", "-----BEGIN OPENSSH " + f"PRIVATE KEY-----\n{MIXED}", ""),
    ("private-key", "", "-----BEGIN PGP " + f"PRIVATE KEY BLOCK-----\n{MIXED}\n-----END PGP KEY BLOCK-----", ""),
    ("putty-key", "", f"PuTTY-User-Key-File-3: ssh-ed25519\nLines: 1\n{MIXED}\nPrivate-MAC: {HEX[:40]}", ""),
    ("age-key", "", "AGE-SECRET-" + f"KEY-1{UPPER[:58]}", ""),
    ("anthropic-key", "key is ", f"sk-ant-api03-{MIXED[:60]}", "."),
    ("openrouter-key", "", f"sk-or-v1-{HEX[:64]}", ""),
    ("openai-key", "", f"sk-proj-{MIXED[:48]}", ""),
    ("openai-key", "", f"sk-{MIXED[:48]}", ""),
    ("groq-key", "", f"gsk_{MIXED[:52]}", ""),
    ("xai-key", "", f"xai-{MIXED[:80]}", ""),
    ("perplexity-key", "", f"pplx-{MIXED[:48]}", ""),
    ("replicate-token", "", f"r8_{MIXED[:37]}", ""),
    ("huggingface-token", "", f"hf_{MIXED[:34]}", ""),
    ("langsmith-key", "", f"lsv2_pt_{HEX[:32]}_{HEX[:10]}", ""),
    ("github-token", "git clone with ", f"ghp_{MIXED[:36]}", " failed"),
    ("github-fine-grained-token", "", f"github_pat_{MIXED[:22]}_{MIXED[:59]}", ""),
    ("gitlab-token", "", f"glpat-{MIXED[:20]}", ""),
    ("bitbucket-token", "", f"ATBB{MIXED[:32]}", ""),
    ("atlassian-token", "", f"ATATT3xFfGF0{MIXED[:100]}", ""),
    ("slack-token", "", f"xoxb-{'1234567890' * 2}-{MIXED[:24]}", ""),
    ("slack-app-token", "", f"xapp-1-A0123-456-{HEX[:40]}", ""),
    ("slack-webhook", "curl ", f"https://hooks.slack.com/services/T0001/B0001/{MIXED[:24]}", ""),
    ("discord-webhook", "", f"https://discord.com/api/webhooks/123456789/{MIXED[:60]}", ""),
    ("discord-token", "", f"M{MIXED[:23]}.{MIXED[:6]}.{MIXED[:27]}", ""),
    ("teams-webhook", "", f"https://corp.webhook.office.com/webhookb2/{HEX[:36]}/x", ""),
    ("telegram-token", "", f"123456789:AA{MIXED[:33]}", ""),
    ("aws-key", "", f"AKIA{UPPER[:16]}", ""),
    ("aws-secret", "aws_secret_access_key = ", MIXED[:40], ""),
    ("google-key", "", f"AIza{MIXED[:35]}", ""),
    ("google-oauth-token", "", f"ya29.{MIXED[:60]}", ""),
    ("google-oauth-secret", "", f"GOCSPX-{MIXED[:28]}", ""),
    ("azure-storage-key", "DefaultEndpointsProtocol=https;AccountName=x;AccountKey=", f"{MIXED[:86]}==", ";"),
    ("azure-signature", "https://x.blob.core.windows.net/a?sv=2022&sig=", f"{MIXED[:43]}%3D", ""),
    ("azure-client-secret", "", f"abc8Q~{MIXED[:34]}", ""),
    ("cloudflare-key", "", f"v1.0-{HEX[:24]}-{HEX[:146]}", ""),
    ("digitalocean-token", "", f"dop_v1_{HEX[:64]}", ""),
    ("heroku-key", "", f"HRKU-{MIXED[:40]}", ""),
    ("fly-token", "", f"fo1_{MIXED[:43]}", ""),
    ("netlify-token", "", f"nfp_{MIXED[:40]}", ""),
    ("vercel-token", "", f"vcp_{MIXED[:40]}", ""),
    ("supabase-key", "", f"sbp_{HEX[:40]}", ""),
    ("planetscale-token", "", f"pscale_tkn_{MIXED[:40]}", ""),
    ("databricks-token", "", f"dapi{HEX[:32]}", ""),
    ("vault-token", "", f"hvs.{MIXED[:90]}", ""),
    ("terraform-token", "", f"{MIXED[:14]}.atlasv1.{MIXED[:67]}", ""),
    ("pulumi-token", "", f"pul-{HEX[:40]}", ""),
    ("doppler-token", "", f"dp.pt.{MIXED[:43]}", ""),
    ("onepassword-token", "", f"ops_eyJ{MIXED[:200]}", ""),
    ("tailscale-key", "", f"tskey-auth-{MIXED[:30]}", ""),
    ("npm-token", "", f"npm_{MIXED[:36]}", ""),
    ("pypi-token", "", f"pypi-{MIXED[:80]}", ""),
    ("rubygems-key", "", f"rubygems_{HEX[:48]}", ""),
    ("crates-token", "", f"cio{MIXED[:32]}", ""),
    ("nuget-key", "", f"oy2{MIXED[:43].lower()}", ""),
    ("dockerhub-token", "", f"dckr_pat_{MIXED[:27]}", ""),
    ("stripe-key", "", f"sk_live_{MIXED[:24]}", ""),
    ("stripe-webhook-secret", "", f"whsec_{MIXED[:32]}", ""),
    ("square-token", "", f"sq0atp-{MIXED[:22]}", ""),
    ("shopify-token", "", f"shpat_{HEX[:32]}", ""),
    ("paypal-token", "", f"access_token$production${MIXED[:16].lower()}${HEX[:32]}", ""),
    ("twilio-key", "", f"SK{HEX[:32]}", ""),
    ("sendgrid-key", "", f"SG.{MIXED[:22]}.{MIXED[:43]}", ""),
    ("mailgun-key", "", f"key-{HEX[:32]}", ""),
    ("mailchimp-key", "", f"{HEX[:32]}-us12", ""),
    ("linear-key", "", f"lin_api_{MIXED[:40]}", ""),
    ("notion-token", "", f"ntn_{MIXED[:46]}", ""),
    ("airtable-token", "", f"pat{MIXED[:14]}.{HEX[:64]}", ""),
    ("figma-token", "", f"figd_{MIXED[:40]}", ""),
    ("postman-key", "", f"PMAK-{HEX[:24]}-{HEX[:34]}", ""),
    ("newrelic-key", "", f"NRAK-{UPPER[:27]}", ""),
    ("grafana-token", "", f"glsa_{MIXED[:32]}_{HEX[:8]}", ""),
    ("sentry-token", "", f"sntrys_{MIXED[:60]}", ""),
    ("dropbox-token", "", f"sl.{MIXED[:130]}", ""),
    ("contentful-token", "", f"CFPAT-{MIXED[:43]}", ""),
    ("jwt", "cookie ", f"eyJ{MIXED[:20]}.eyJ{MIXED[:40]}.{MIXED[:43]}", ""),
    ("connection-string", "postgres://", "app:hunter2", "@db.internal:5432/main"),
    ("connection-string", "mongodb+srv://", "app:h%40nter2", "@cluster0.example.net/x"),
    ("connection-string", "redis://", ":hunter2", "@cache:6379/0"),
    ("password", "https://", "user:hunter22", "@example.org/repo.git"),
    ("token", "Authorization: Bearer ", MIXED[:32], ""),
    ("basic-credentials", "Authorization: Basic ", "dXNlcjpodW50ZXIy", ""),
    ("netrc-password", "machine example.org login me password ", "hunter2", ""),
    ("command-password", "tool login --password ", "hunter2x", " --yes"),
    ("command-credentials", "curl -s -u ", "admin:hunter2", " https://example.org"),
    ("password", 'PASSWORD = "', "correct-horse", '"'),
    ("password", "DB_PASSWORD=", "hunter22", "\n"),
    ("password", '{"password": "', "s3cret!", '"}'),
    ("session-cookie", "Cookie: session=", "abc123def456", "; theme=dark"),
    ("database-password", "CREATE USER a IDENTIFIED BY '", "hunter2", "'"),
    ("secret", "API_KEY=", "a1b2c3d4e5f6", " npm test"),
    ("secret", 'client_secret: "', "9f8e7d6c5b4a", '"'),
    ("secret", "https://example.org/?access_token=", "abc123def456", "&x=1"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "before", "secret", "after"), EXAMPLES, ids=lambda value: value if value and len(value) < 30 else ""
)
def test_a_secret_of_every_shape_becomes_what_it_is(name: str, before: str, secret: str, after: str) -> None:
    redacted = Redactor().text(before + secret + after)

    assert redacted == f"{before}<{name}>{after}"
    assert Redactor().text(redacted) == redacted
    assert Redactor().count(before + secret + after) == {name: 1}


def test_every_shape_has_an_example_and_there_are_enough() -> None:
    names = {shape.name for shape in SHAPES} | {"secret"}

    assert names == {name for name, *_ in EXAMPLES}
    assert len(names) >= 80


ORDINARY = [
    'token = tokens[index]\nself.token = token or ""',
    "password: str = Field(min_length=8)",
    "def login(username, password=None, *, token=None):",
    'secret = os.environ["SECRET_KEY_2"]',
    "api_key=settings.api_key, token=self._token2",
    "API_KEY=${API_KEY1}  # from the environment",
    'headers = {"Authorization": f"Bearer {token}"}',
    "commit 4cb6f04d5ec1e8f0a2b3c4d5e6f708192a3b4c5d",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "uuid 123e4567-e89b-12d3-a456-426614174000",
    "https://example.org:8080/path?page=2&sort=token",
    "git@github.com:owner/repo.git",
    "sk-learn and scikit-learn-intelex-2024-pipeline are packages",
    "the key-value store at localhost:6379",
    "raise ValueError('password must have 8 characters')",
    "pip install --token-free foo --secret-scan",
    "assert token.type == TokenType.IDENTIFIER",
    "for key, value in sorted(pairs): print(key, value)",
    "mypy: error: Argument 1 has incompatible type",
    "basic usage: see docs; bearer of news",
    "password=%s token=%(token)s secret={secret}",
    "<password> and <token> are placeholders",
]


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_code_is_left_as_it_is(text: str) -> None:
    assert Redactor().text(text) == text
    assert Redactor().count({"command": text}) == {}


def test_the_standard_library_holds_no_secret() -> None:
    modules = list(Path(sysconfig.get_path("stdlib")).glob("*.py"))

    found = {path.name: Redactor().count(path.read_text(encoding="utf-8", errors="replace")) for path in modules}

    assert len(modules) > 100
    assert {name: count for name, count in found.items() if count} == {}


def test_what_is_marked_private_is_dropped() -> None:
    clean = Redactor().text

    assert clean("see <private>the customer's name</private>the ticket") == "see the ticket"
    assert clean("a <PRIVATE>b\nc</private> d <private>e</private>f") == "a  d f"
    assert clean("kept <private>never closed") == "kept "
    assert clean("<private>all of it</private>") == "(private)"


def test_e_mail_addresses_go_by_setting_only() -> None:
    text = "ask ann.b+x@mail.example.org or git@github.com:a/b"

    assert Redactor().text(text) == text
    assert Redactor(emails=True).text(text) == "ask <email> or git@github.com:a/b"


def test_a_value_under_the_name_of_a_secret_is_one() -> None:
    given = {"password": "swordfish", "args": {"API-Key": "plainwords", "token": "<token>", "secret": "has some words"}}

    assert Redactor().clean(given) == {
        "password": "<secret>",
        "args": {"API-Key": "<secret>", "token": "<token>", "secret": "has some words"},
    }


@given(st.text())
def test_any_text_is_clean_after_one_pass(text: str) -> None:
    once = Redactor(emails=True).text(text)

    assert Redactor(emails=True).text(once) == once


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_a_value_without_secrets_is_the_same_object(value: object) -> None:
    if not Redactor().count(value):
        assert Redactor().clean(value) is value


SECRET = f"ghp_{MIXED[:36]}"


def test_no_door_lets_a_secret_into_the_file(memory: Memory, tmp_path: Path) -> None:
    cache_of(memory.store).open()
    episode, _ = memory.episodes.start(f"deploy with {SECRET}", context=Context(tags=(f"t {SECRET}",)))
    steps = [
        Step("bash", f"curl -H 'X: {SECRET}'", {"env": {SECRET: SECRET}}, StepError(f"denied {SECRET}")),
        Step("bash", "ls", {"nested": [{"a": [SECRET]}]}, StepSuccess(SECRET)),
    ]
    memory.episodes.append(episode.id, steps)
    memory.handoffs.checkpoint(episode.id, note=SECRET, next_steps=[f"use {SECRET}"])
    memory.tags.change(episode.id, [SECRET], [])
    memory.tags.rename("t <github-token>", f"u {SECRET}")
    memory.learning.complete(episode.id, Success(verdict=f"it was {SECRET}", artifacts=(SECRET,)))
    note, _ = memory.notes.add(f"the token is {SECRET}", tags=[SECRET], source=SECRET)
    made = Recommendation(memory.clock.new_id(), "recall", f"why {SECRET}", memory.clock.now(), (note.id,), episode.id)
    memory.store.recommendations.insert(made)
    memory.advice.judge("helped", recommendation_id=made.id, note=SECRET)
    memory.store.recommendations.adopt([(1, SECRET, [note.id])], [], episode.id)
    now = memory.clock.now()
    ended = Failure(f"denied {SECRET}")
    imported = Episode("", "", f"imported {SECRET}", "", Context(), now, now, outcome=ended, completed_at=now)
    memory.episodes.record([imported])
    memory.recall.search(Query("deploy"))
    memory.learning.follow()
    memory.close()

    written = [path for path in (tmp_path / "home").rglob("*") if path.is_file()]
    assert len(written) > 1
    assert [path for path in written if SECRET.encode() in path.read_bytes()] == []


def test_the_cache_and_the_store_agree_on_a_redacted_episode(memory: Memory) -> None:
    episode, _ = memory.episodes.start(f"deploy with {SECRET}")
    memory.episodes.append(episode.id, [Step("bash", f"echo {SECRET}")])

    held = memory.episodes.get(episode.id)

    assert held.task == "deploy with <github-token>"
    assert [step.action for step in held.steps] == ["echo <github-token>"]


def test_the_setting_for_e_mail_addresses_reaches_the_store(tmp_path: Path, clock: FrozenClock) -> None:
    settings = Settings(store=StoreSettings(home=str(tmp_path)), redaction=RedactionSettings(emails=True))
    with Memory(settings, places(settings, settings_file=tmp_path / "x"), "p", actor="test", clock=clock) as memory:
        note, _ = memory.notes.add("ask ann@example.org")

        assert memory.notes.get(note.id).text == "ask <email>"


def test_secrets_from_before_are_found_and_replaced(memory: Memory) -> None:
    episode, _ = memory.episodes.start("plain task")
    memory.episodes.append(episode.id, [Step("bash", "echo ok")])
    note, _ = memory.notes.add("plain note")
    memory.handoffs.checkpoint(episode.id, note="plain", next_steps=["plain"])
    nothing = list(secret_scan.scan(memory.store, Redactor(), lambda _: None))
    with memory.store.database.write() as session:  # as an earlier version wrote it
        key = documents.find_keys(session, None, [episode.id])[episode.id]
        loaded = memory.store.episodes.load_many(session, [key])[key]
        assert isinstance(loaded, Episode)
        dirty = msgspec.structs.replace(loaded, task=f"task {SECRET}", steps=(Step("bash", f"echo {SECRET}"),))
        memory.store.episodes.rewrite(session, key, dirty)
        columns = (0, "plain", json.dumps([SECRET]))
        session.run(
            "UPDATE handoffs SET steps = 0, next_steps = ?, checksum = ?", (columns[2], handoff_checksum(*columns))
        )

    found = list(secret_scan.scan(memory.store, Redactor(), lambda _: None))
    replaced = secret_scan.replace(memory.store, Redactor(), found)

    assert nothing == []
    assert {(each.kind, tuple(each.secrets.items())) for each in found} == {
        ("episode", (("github-token", 2),)),
        ("handoffs", (("github-token", 1),)),
    }
    assert replaced == 2
    assert list(secret_scan.scan(memory.store, Redactor(), lambda _: None)) == []
    assert memory.episodes.get(episode.id).task == "task <github-token>"
    assert memory.handoffs.list()[0].note == "plain"
    assert memory.handoffs.get(episode.id).next_steps == ("<github-token>",)
    assert memory.notes.get(note.id).text == "plain note"
