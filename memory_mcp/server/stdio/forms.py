"""This module declares the forms of what requests carry beside their own parameters, at both protocol eras."""

from typing import Any, Literal

from msgspec import Struct, field

Token = int | str
LogLevel = Literal["alert", "critical", "debug", "emergency", "error", "info", "notice", "warning"]


class Icon(Struct, rename="camel"):
    """A picture of a client."""

    src: str
    mime_type: str | None = None
    sizes: list[str] | None = None
    theme: Literal["dark", "light"] | None = None


class ClientInfo(Struct, rename="camel"):
    """What a client says about itself."""

    name: str
    version: str
    title: str | None = None
    description: str | None = None
    website_url: str | None = None
    icons: list[Icon] | None = None


class Elicitation(Struct):
    """How a client can ask its user."""

    form: dict[str, Any] | None = None
    url: dict[str, Any] | None = None


class Sampling(Struct):
    """How a client can ask its model."""

    context: dict[str, Any] | None = None
    tools: dict[str, Any] | None = None


class Capabilities(Struct):
    """What a client can do; we use none of it."""

    elicitation: Elicitation | None = None
    experimental: dict[str, dict[str, Any]] | None = None
    extensions: dict[str, dict[str, Any]] | None = None
    roots: dict[str, Any] | None = None
    sampling: Sampling | None = None
    tasks: dict[str, Any] | None = None


class Meta(Struct, rename="camel"):
    """`_meta` of a request up to 2025-11-25."""

    progress_token: Token | None = None


class Envelope(Struct):
    """`_meta` of a request of 2026-07-28."""

    revision: str = field(name="io.modelcontextprotocol/protocolVersion")
    capabilities: Capabilities = field(name="io.modelcontextprotocol/clientCapabilities")
    client: ClientInfo | None = field(name="io.modelcontextprotocol/clientInfo", default=None)
    log_level: LogLevel | None = field(name="io.modelcontextprotocol/logLevel", default=None)
    progress_token: Token | None = field(name="progressToken", default=None)


class Initialize(Struct, rename="camel"):
    """Parameters of initialize."""

    protocol_version: str
    capabilities: Capabilities
    client_info: ClientInfo


class Nothing(Struct):
    """Parameters of ping and server/discover."""
