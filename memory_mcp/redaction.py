"""This module replaces secrets by what they are, before a text leaves the machine."""

import re
from typing import Any

_SHAPES: tuple[tuple[str, str], ...] = (
    ("private-key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)"),
    ("anthropic-key", r"\bsk-ant-[\w-]{20,}"),
    ("openai-key", r"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{20,}"),
    ("github-token", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})"),
    ("gitlab-token", r"\bglpat-[\w-]{20,}"),
    ("slack-token", r"\bxox[abeoprs]-[\w-]{10,}"),
    ("slack-webhook", r"https://hooks\.slack\.com/services/[\w/]+"),
    ("aws-key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("google-key", r"\bAIza[\w-]{35}"),
    ("stripe-key", r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("npm-token", r"\bnpm_[A-Za-z0-9]{36}"),
    ("pypi-token", r"\bpypi-[\w-]{40,}"),
    ("huggingface-token", r"\bhf_[A-Za-z0-9]{30,}"),
    ("sendgrid-key", r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    ("digitalocean-token", r"\bdo[oprt]_v1_[0-9a-f]{64}"),
    ("jwt", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"),
    ("password", r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"),
    ("token", r"(?<=[Bb]earer )[\w.~+/-]{16,}=*"),
    (
        "secret",
        (
            r"(?i:(?<=password=)|(?<=passwd=)|(?<=api_key=)|(?<=apikey=)|(?<=secret=)|(?<=token=)|(?<=access_key=)"
            r"|(?<=password: )|(?<=api_key: )|(?<=secret: )|(?<=token: ))['\"]?(?![<$\s{])[^\s'\"&;,)]{6,}"
        ),
    ),
)
_PATTERN = re.compile("|".join(f"(?P<s{number}>{shape})" for number, (_, shape) in enumerate(_SHAPES)))


def redact(text: str) -> str:
    """Return the text with each secret as `<name of its shape>`; a second pass changes nothing."""
    return _PATTERN.sub(lambda found: f"<{_SHAPES[int((found.lastgroup or 's0')[1:])][0]}>", text)


def redact_all(value: Any) -> Any:
    """Redact every text inside plain JSON values, keys of objects excepted."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {name: redact_all(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact_all(inner) for inner in value]
    return value
