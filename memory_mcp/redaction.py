"""This module replaces secrets by what they are, before a text is stored, indexed or leaves the machine."""

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from memory_mcp.expressions import expression

T = TypeVar("T")
_NAMES = r"(?:password|passwd|passphrase|pwd)"
_KEY_NAMES = (
    r"(?:secret|token|api[_-]?key|access[_-]?key|secret[_-]?key|private[_-]?key|auth[_-]?key|client[_-]?secret"
    r"|encryption[_-]?key|signing[_-]?key|credential)"
)
_IS = r"""["']?\s{0,4}(?::=|=>|=|:)\s{0,4}"""
_MIXED = r"(?=[^\s\"']*\d)(?=[^\s\"']*[A-Za-z])"  # letters and digits: a word of the language is no key
# what stands for a value in code and templates: references, calls, types
_NO_VALUE = r"(?![<${%\[(]|None\b|null\b|true\b|false\b|str\b|os\.|process\.|env\b|self\.|settings\.|config\.)"
_DATABASES = r"(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql|clickhouse|libsql)"


class SecretShape(Struct, frozen=True):
    r"""What a secret looks like; where a pattern has a group, that alone is the secret.

    `marks` are pieces of text of which one is there whenever the pattern matches, in lower case; they are looked for
    first. `starts_word` says that a match begins a word: that is asked afterwards, since a leading `\b` keeps `re`
    from jumping to the literal that comes next. Both together take an ordinary text through at 10 MB/s instead of 1.
    """

    name: str
    marks: tuple[str, ...]
    pattern: str
    starts_word: bool

    def replace(self, text: str, found: Counter[str] | None) -> str:
        """Return the text with the secrets of this shape replaced, each counted."""

        def name(match: re.Match[str]) -> str:
            start = match.start()
            if self.starts_word and start and (text[start - 1].isalnum() or text[start - 1] == "_"):
                return match[0]
            if found is not None:
                found[self.name] += 1
            if not match.lastindex:
                return f"<{self.name}>"
            first, last = (place - start for place in match.span(match.lastindex))
            return f"{match[0][:first]}<{self.name}>{match[0][last:]}"

        return _compiled(self.pattern).sub(name, text)

    def replace_in_lines(self, text: str, found: Counter[str] | None) -> str:
        """Do so in the lines that hold a mark; for marks that are ordinary words."""
        lines = text.splitlines(keepends=True)
        return "".join(
            self.replace(line, found) if any(mark in line.lower() for mark in self.marks) else line for line in lines
        )


def _shape(name: str, marks: str, pattern: str) -> SecretShape:
    return SecretShape(name, tuple(marks.split()), pattern.removeprefix(r"\b"), pattern.startswith(r"\b"))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern when it is first needed: all of them take 10 ms, a hook needs two or three."""
    return re.compile(pattern)


# Sources of the shapes: the vendors' documentation of their prefixes, and the rules of gitleaks and detect-secrets.
SECRET_SHAPES: tuple[SecretShape, ...] = (
    _shape("private-key", "private", (
        r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [^-]+-----|\Z)"
    )),
    _shape("putty-key", "putty-user-key-file", r"PuTTY-User-Key-File-\d:[\s\S]*?(?:Private-MAC: \w+|\Z)"),
    _shape("age-key", "age-secret-key-", r"\bAGE-SECRET-KEY-1[0-9A-Z]{50,}"),
    _shape("anthropic-key", "sk-ant-", r"\bsk-ant-[\w-]{20,}"),
    _shape("openrouter-key", "sk-or-", r"\bsk-or-v1-[0-9a-f]{40,}"),
    _shape("openai-key", "sk-", r"\bsk-(?:proj-|svcacct-|admin-)?(?=[\w-]*\d)[A-Za-z0-9_-]{20,}"),
    _shape("groq-key", "gsk_", r"\bgsk_[A-Za-z0-9]{40,}"),
    _shape("xai-key", "xai-", r"\bxai-[A-Za-z0-9]{40,}"),
    _shape("perplexity-key", "pplx-", r"\bpplx-[A-Za-z0-9]{40,}"),
    _shape("replicate-token", "r8_", r"\br8_[A-Za-z0-9]{36,}"),
    _shape("huggingface-token", "hf_", r"\bhf_[A-Za-z0-9]{30,}"),
    _shape("langsmith-key", "lsv2_", r"\blsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    _shape("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"\bgh[pousr]_[A-Za-z0-9]{36,}"),
    _shape("github-fine-grained-token", "github_pat_", r"\bgithub_pat_\w{22,}"),
    _shape("gitlab-token", "glpat- gldt- glrt- glcbt- glptt-", r"\bgl(?:pat|dt|rt|cbt|ptt)-[\w-]{20,}"),
    _shape("bitbucket-token", "atbb", r"\bATBB[A-Za-z0-9]{32}"),
    _shape("atlassian-token", "atatt3", r"\bATATT3[\w=-]{60,}"),
    _shape("slack-token", "xox", r"\bxox[abeoprs]-[\w-]{10,}"),
    _shape("slack-app-token", "xapp-", r"\bxapp-\d-[\w-]{20,}"),
    _shape("slack-webhook", "hooks.slack.com", r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[\w/]+"),
    _shape("discord-webhook", "/api/webhooks/", r"https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/\d+/[\w-]+"),
    _shape("discord-token", ".", r"\b[MNO][A-Za-z\d_-]{23,25}\.[\w-]{6}\.[\w-]{27,38}\b"),
    _shape("teams-webhook", ".webhook.office.com", r"https://\w+\.webhook\.office\.com/webhookb2/[\w@/-]+"),
    _shape("telegram-token", ":aa", r"\b\d{8,10}:AA[\w-]{33}\b"),
    _shape("aws-key", "akia asia abia acca", r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b"),
    _shape("aws-secret", "aws", r"(?i:aws)[\w.-]{0,30}(?i:secret)[\w.-]{0,30}" + _IS + r"[\"']?([A-Za-z0-9/+=]{40})\b"),
    _shape("google-key", "aiza", r"\bAIza[\w-]{35}"),
    _shape("google-oauth-token", "ya29.", r"\bya29\.[\w-]{20,}"),
    _shape("google-oauth-secret", "gocspx-", r"\bGOCSPX-[\w-]{20,}"),
    _shape("azure-storage-key", "accountkey=", r"(?i:AccountKey)=([A-Za-z0-9+/]{60,}={0,2})"),
    _shape("azure-signature", "sig=", r"[?&;]sig=([A-Za-z0-9%+/=]{30,})"),
    _shape("azure-client-secret", "8q~", r"\b\w{3}8Q~[\w~.-]{31,}"),
    _shape("cloudflare-key", "v1.0-", r"\bv1\.0-[0-9a-f]{24}-[0-9a-f]{100,}"),
    _shape("digitalocean-token", "_v1_", r"\bdo[oprt]_v1_[0-9a-f]{64}"),
    _shape("heroku-key", "hrku-", r"\bHRKU-[\w-]{30,}"),
    _shape("fly-token", "fm2_ flyv1 fo1_", r"\b(?:fm2_[A-Za-z0-9+/=_,]{40,}|fo1_[\w-]{40,})"),
    _shape("netlify-token", "nfp_", r"\bnfp_[A-Za-z0-9]{36,}"),
    _shape("vercel-token", "vck_ vcp_ vci_", r"\bvc[kpi]_[A-Za-z0-9]{24,}"),
    _shape("supabase-key", "sbp_ sb_secret_", r"\b(?:sbp_[0-9a-f]{40}|sb_secret_[\w-]{20,})"),
    _shape("planetscale-token", "pscale_", r"\bpscale_(?:tkn|pw|oauth)_[\w.-]{32,}"),
    _shape("databricks-token", "dapi", r"\bdapi[0-9a-f]{32}(?:-\d)?\b"),
    _shape("vault-token", "hvs. hvb. hvr.", r"\bhv[sbr]\.[\w-]{24,}"),
    _shape("terraform-token", ".atlasv1.", r"\b[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,}"),
    _shape("pulumi-token", "pul-", r"\bpul-[0-9a-f]{40}\b"),
    _shape("doppler-token", "dp.", r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{30,}"),
    _shape("onepassword-token", "ops_ey", r"\bops_ey[\w=-]{100,}"),
    _shape("tailscale-key", "tskey-", r"\btskey-[a-z]+-[\w-]{20,}"),
    _shape("npm-token", "npm_", r"\bnpm_[A-Za-z0-9]{36}"),
    _shape("pypi-token", "pypi-", r"\bpypi-[\w-]{40,}"),
    _shape("rubygems-key", "rubygems_", r"\brubygems_[0-9a-f]{48}"),
    _shape("crates-token", "cio", r"\bcio[A-Za-z0-9]{32}\b"),
    _shape("nuget-key", "oy2", r"\boy2[a-z0-9]{43}\b"),
    _shape("dockerhub-token", "dckr_", r"\bdckr_[po]at_[\w-]{20,}"),
    _shape("stripe-key", "_live_ _test_", r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    _shape("stripe-webhook-secret", "whsec_", r"\bwhsec_[A-Za-z0-9+/=]{24,}"),
    _shape("square-token", "sq0", r"\bsq0(?:atp|csp|idp)-[\w-]{22,}"),
    _shape("shopify-token", "shpat_ shpss_ shpca_ shppa_", r"\bshp(?:at|ss|ca|pa)_[0-9a-fA-F]{32}"),
    _shape("paypal-token", "access_token$", r"access_token\$(?:production|sandbox)\$\w{13,}\$[0-9a-f]{32}"),
    _shape("twilio-key", "sk", r"\bSK[0-9a-f]{32}\b"),
    _shape("sendgrid-key", "sg.", r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    _shape("mailgun-key", "key-", r"\bkey-[0-9a-f]{32}\b"),
    _shape("mailchimp-key", "-us", r"\b[0-9a-f]{32}-us\d{1,2}\b"),
    _shape("linear-key", "lin_", r"\blin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    _shape("notion-token", "ntn_", r"\bntn_[A-Za-z0-9]{40,}"),
    _shape("airtable-token", "pat", r"\bpat[A-Za-z0-9]{14}\.[0-9a-f]{64}\b"),
    _shape("figma-token", "figd_", r"\bfigd_[\w-]{30,}"),
    _shape("postman-key", "pmak-", r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    _shape("newrelic-key", "nrak- nraa- nrjs- nrii-", r"\bNR(?:AK|AA|JS|II)-[\w-]{20,}"),
    _shape("grafana-token", "glsa_ glc_", r"\b(?:glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}|glc_[A-Za-z0-9+/=]{32,})"),
    _shape("sentry-token", "sntrys_ sntryu_", r"\bsntry[su]_[\w+/=-]{40,}"),
    _shape("dropbox-token", "sl.", r"\bsl\.(?:u\.)?[\w-]{100,}"),
    _shape("contentful-token", "cfpat-", r"\bCFPAT-[\w-]{40,}"),
    _shape("jwt", "eyj", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"),
    _shape("connection-string", "://", _DATABASES + r"://([^/\s:@\"'<{$]*:[^\s@\"'<{$]+)(?=@)"),
    _shape("password", "://", r"(?<=://)[^/\s:@\"'<{$]+:(?!//)[^/\s@\"'<{$]+(?=@)"),
    _shape("token", "bearer", r"(?<=[Bb]earer )(?=[^\s\"']*\d)[\w.~+/-]{16,}=*"),
    _shape("basic-credentials", "basic", r"(?i:authorization)[\"']?\s*[:=]\s*[\"']?[Bb]asic ([A-Za-z0-9+/]{8,}=*)"),
    _shape("netrc-password", "login", r"\blogin\s+\S+\s+password\s+(\S{4,})"),
    _shape("command-password", "--pass --token --secret --api-key", (
        r"--(?:password|passphrase|pass|token|secret|api-key)[= ]['\"]?"
        + _NO_VALUE + r"(?!-)" + _MIXED + r"([^\s'\"]{6,})"
    )),
    _shape("command-credentials", "curl", (
        r"\bcurl\b[^\n|;]{0,200}?\s(?:-u|--user)[= ]?['\"]?([^\s:'\"$<{]+:[^\s'\"$<{]+)"
    )),
    _shape("password", "pass pwd", (
        rf"(?i:{_NAMES}){_IS}(?:\"(?![<${{%])([^\s\"]{{6,}})\"|'(?![<${{%])([^\s']{{6,}})'"
        rf"|{_NO_VALUE}{_MIXED}([^\s'\"&;,(){{}}\[\]<>]{{6,}})(?![\w.(\[]))"
    )),
    _shape("secret", "secret token key credential", (
        rf"(?i:{_KEY_NAMES}){_IS}(?:\"(?![<${{%]){_MIXED}([^\s\"]{{8,}})\"|'(?![<${{%]){_MIXED}([^\s']{{8,}})'"
        rf"|{_NO_VALUE}{_MIXED}([^\s'\"&;,(){{}}\[\]<>.]{{8,}})(?![\w.(\[]))"
    )),
)  # fmt: skip
_MARKED = tuple((mark, shape) for shape in SECRET_SHAPES for mark in shape.marks)
EMAIL = _shape("email", "@", r"(?<![\w.+/:-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}\b(?!:)")
_WORDY = frozenset(("password", "secret", "aws-secret", "token", "connection-string"))
_PRIVATE = expression(r"<private>[\s\S]*?(?:</private>|\Z)", re.IGNORECASE)
_NOTHING_LEFT = "(private)"
_IDENTITIES = frozenset(("id", "project", "episode_id", "kind", "type", "document_ids"))  # fields that are no text
_SECRET_FIELD = expression(rf"^[\w.-]*(?:{_NAMES}|{_KEY_NAMES}|authorization)$", re.IGNORECASE)
_SHORTEST = 9  # characters of `<private>`; of a password with its name ten
_LEAST_FIELD = 6  # characters of a value that stands under such a name


class Redactor(Struct, frozen=True):
    """Replaces each secret by `<name of its shape>` and drops what stands between <private> and </private>."""

    emails: bool = False

    def text(self, text: str) -> str:
        """Return the text without secrets; a second pass changes nothing."""
        return self._text(text, None)

    def clean(self, value: T) -> T:
        """Return a value with every text inside it redacted, identities excepted; the value itself if nothing is."""
        cleaned: T = self._clean(value, None)
        return cleaned

    def count(self, value: Any) -> Counter[str]:
        """Count the secrets inside a value by the names of their shapes."""
        found: Counter[str] = Counter()
        self._clean(value, found)
        return found

    def _text(self, text: str, found: Counter[str] | None) -> str:
        if len(text) < _SHORTEST:
            return text
        folded = text.lower()
        if "<private>" in folded:
            text, dropped = _PRIVATE.subn("", text)
            if found is not None:
                found["private"] += dropped
            text, folded = text if text.strip() else _NOTHING_LEFT, text.lower()
        applied = None
        for mark, shape in _MARKED:
            if mark in folded and shape is not applied:
                text = (shape.replace_in_lines if shape.name in _WORDY else shape.replace)(text, found)
                applied = shape
        return EMAIL.replace(text, found) if self.emails and "@" in text else text

    def _clean(self, value: Any, found: Counter[str] | None) -> Any:
        if isinstance(value, str):
            return self._text(value, found)
        if isinstance(value, Struct):
            fields = ((name, getattr(value, name)) for name in value.__struct_fields__ if name not in _IDENTITIES)
            changed = {name: new for name, old in fields if (new := self._clean(old, found)) is not old}
            return msgspec.structs.replace(value, **changed) if changed else value
        if isinstance(value, dict):
            cleaned = {self._clean(name, found): self._field(name, inner, found) for name, inner in value.items()}
            return value if _same(value.values(), cleaned.values()) and value.keys() == cleaned.keys() else cleaned
        if isinstance(value, list | tuple):
            inside = [self._clean(inner, found) for inner in value]
            return value if _same(value, inside) else type(value)(inside)
        return value

    def _field(self, name: Any, value: Any, found: Counter[str] | None) -> Any:
        """Redact a value that stands under a name; under that of a secret it is one, whatever it looks like."""
        cleaned = self._clean(value, found)
        named = isinstance(name, str) and isinstance(value, str) and _SECRET_FIELD.match(name)
        if not named or cleaned is not value or len(value) < _LEAST_FIELD or " " in value or value.startswith("<"):
            return cleaned
        if found is not None:
            found["secret"] += 1
        return "<secret>"


def _same(before: Iterable[Any], after: Iterable[Any]) -> bool:
    return all(one is other for one, other in zip(before, after, strict=True))
