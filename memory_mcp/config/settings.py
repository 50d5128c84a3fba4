"""This module declares every setting once, with its default, its bounds and a line of help."""

from typing import Annotated, Literal

from msgspec import Meta, Struct


class StoreSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the memory lies and how writes are made safe."""

    home: Annotated[str, Meta(description="Directory of the memory; empty means the platform's data directory.")] = ""
    busy_timeout_s: Annotated[
        float, Meta(gt=0, le=600, description="Seconds to wait for another process's write before the error 'busy'.")
    ] = 10.0
    synchronous: Annotated[
        Literal["NORMAL", "FULL"],
        Meta(description="NORMAL survives kill -9; FULL also survives loss of power, at a slower write."),
    ] = "NORMAL"


class CacheSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The hot cache, which processes share; without it every answer is the same, only slower."""

    enabled: Annotated[bool, Meta(description="Keep hot episodes and vectors in a cache beside the store.")] = True
    episodes_mb: Annotated[
        int, Meta(ge=1, le=10000, description="MiB of episodes in the cache; the longest unused leave first.")
    ] = 64
    keep_days: Annotated[
        float, Meta(gt=0, le=3650, description="Days after which an episode that nobody read leaves the cache.")
    ] = 30.0
    decoded_mb: Annotated[
        int, Meta(ge=0, le=1000, description="MiB of encoded episodes that one process keeps decoded.")
    ] = 8


class ProjectSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The wall between memories."""

    mode: Annotated[
        Literal["auto", "manual", "global"],
        Meta(description="auto: found from the directory; manual: project.name; global: one memory for everything."),
    ] = "auto"
    name: Annotated[str, Meta(max_length=200, description="The project's name; a name turns auto into manual.")] = ""
    trusted_directories: Annotated[
        tuple[str, ...],
        Meta(
            description="Directories whose memory-cli.toml may set everything; elsewhere it may only claim a name, "
            "see 'memory-cli project trust'."
        ),
    ] = ()


class RecallSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How candidates are found and scored; the defaults are measured in benchmarks/recall.py."""

    keyword_weight: Annotated[float, Meta(ge=0, le=10, description="Weight of the keyword list.")] = 1.0
    vector_weight: Annotated[float, Meta(ge=0, le=10, description="Weight of the vector list.")] = 1.0
    candidates: Annotated[int, Meta(ge=10, le=5000, description="How many candidates each list contributes.")] = 200
    matrix_documents: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000_000,
            description="Up to so many records hashed vectors rank all of them; beyond, those that share a word.",
        ),
    ] = 5_000
    chunk_characters: Annotated[int, Meta(ge=100, le=10000, description="Longest text behind one vector.")] = 1000
    project_boost: Annotated[
        float, Meta(ge=0, le=2, description="Added to hits of this project when all projects are searched.")
    ] = 0.2
    success_boost: Annotated[float, Meta(ge=0, le=2, description="Added to episodes that succeeded.")] = 0.0
    recency_boost: Annotated[float, Meta(ge=0, le=2, description="Added to a record made just now; it fades.")] = 0.05
    recency_half_life_days: Annotated[
        float, Meta(gt=0, le=36500, description="Days after which half of the recency boost is left.")
    ] = 30.0
    date_boost: Annotated[
        float, Meta(ge=0, le=2, description="Added to records of a day or month that the query names.")
    ] = 0.2
    neighbour_share: Annotated[
        float, Meta(ge=0, le=1, description="Share of its score that a turn lends to those before and after it.")
    ] = 0.4
    talk_share: Annotated[
        float,
        Meta(ge=0, le=2, description="Added to the turns of the talk that matches best as a whole; less to others."),
    ] = 0.8
    importance_boost: Annotated[
        float, Meta(ge=0, le=2, description="Added to a turn of importance 1; less of it to others.")
    ] = 0.1
    similarity_weight: Annotated[
        float,
        Meta(
            ge=0, le=10, description="Above 0, hits rank by this and the next two weights alone, no boosts or shares."
        ),
    ] = 0.0
    importance_weight: Annotated[
        float,
        Meta(
            ge=0,
            le=10,
            description="Weight of a note's or turn's importance and an episode's reward, beside similarity.",
        ),
    ] = 0.3
    recency_weight: Annotated[
        float, Meta(ge=0, le=10, description="Weight of newness, which halves with recency_half_life_days.")
    ] = 0.1
    floor: Annotated[
        float, Meta(ge=0, le=3, description="An answer is empty unless one hit reaches this relevance; 0: never.")
    ] = 0.62


class EmbeddingSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What turns text into vectors."""

    provider: Annotated[
        Literal["auto", "hash", "minilm", "openai", "none"],
        Meta(description="auto: the sentence model if it is installed, else hash; none: keywords only."),
    ] = "auto"
    model_directory: Annotated[
        str, Meta(description="Directory of all-MiniLM-L6-v2; empty means where 'memory-cli model install' puts it.")
    ] = ""
    base_url: Annotated[str, Meta(description="OpenAI-compatible endpoint; empty means OpenAI itself.")] = ""
    api_key: Annotated[str, Meta(description="Key for that endpoint; write ${OPENAI_API_KEY} rather than the key.")] = (
        ""
    )
    model: Annotated[str, Meta(description="Name of the remote model.")] = "text-embedding-3-small"
    dimension: Annotated[
        int, Meta(ge=0, le=8192, description="Dimension to ask of the remote model; 0: its own default.")
    ] = 0
    batch_size: Annotated[int, Meta(ge=1, le=2048, description="Texts in one request to the remote model.")] = 64
    timeout_s: Annotated[float, Meta(gt=0, le=600, description="Seconds before a remote request is given up.")] = 20.0
    retries: Annotated[int, Meta(ge=0, le=10, description="Further tries of a remote request, with backoff.")] = 2


class LearningSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What is learnt from episodes, and how long it stays."""

    half_life_days: Annotated[
        float, Meta(gt=0, le=36500, description="Days after which a pattern that was not seen again counts half.")
    ] = 90.0
    retire_below: Annotated[
        float, Meta(ge=0, le=1, description="A pattern whose aged lower bound of success falls below this retires.")
    ] = 0.05
    withhold_share: Annotated[
        float,
        Meta(
            ge=0, le=1, description="Share of episodes whose recalls are withheld, so that 'lift' can compare; 0: none."
        ),
    ] = 0.0
    lift_least: Annotated[
        int, Meta(ge=2, le=10000, description="Episodes on each side before 'lift' gives a figure.")
    ] = 10


class RedactionSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What never reaches the file; keys, tokens and passwords always do not."""

    emails: Annotated[bool, Meta(description="Replace e-mail addresses too.")] = False


class HookSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What an agent's hooks say to it, and how long they may take."""

    briefing_tokens: Annotated[
        int, Meta(ge=0, le=10000, description="Most tokens of the briefing at the start of a session; 0: none.")
    ] = 400
    recall_tokens: Annotated[
        int, Meta(ge=0, le=10000, description="Most tokens of what is recalled for a prompt; 0: nothing.")
    ] = 300
    warning_tokens: Annotated[
        int, Meta(ge=0, le=10000, description="Most tokens of a warning before an action; 0: none.")
    ] = 300
    recall_floor: Annotated[
        float, Meta(ge=0, le=3, description="Only hits of at least this relevance are shown for a prompt.")
    ] = 1.0
    patience_s: Annotated[
        float, Meta(gt=0, le=10, description="Seconds to wait for a busy store before the event is queued.")
    ] = 0.02


class ServerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The MCP server."""

    threads: Annotated[int, Meta(ge=1, le=64, description="Tool calls that run at the same time.")] = 8
    max_line_mb: Annotated[int, Meta(ge=1, le=1024, description="Longest message accepted, in MiB.")] = 16
    toolsets: Annotated[
        tuple[str, ...], Meta(description="Further tools to offer: records, learning, tags, relationships, all.")
    ] = ()
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="How much is written to stderr.")
    ] = "warning"


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """All settings, one group per table of memory-cli.toml."""

    store: StoreSettings = StoreSettings()
    cache: CacheSettings = CacheSettings()
    project: ProjectSettings = ProjectSettings()
    recall: RecallSettings = RecallSettings()
    embeddings: EmbeddingSettings = EmbeddingSettings()
    learning: LearningSettings = LearningSettings()
    redaction: RedactionSettings = RedactionSettings()
    hooks: HookSettings = HookSettings()
    server: ServerSettings = ServerSettings()
