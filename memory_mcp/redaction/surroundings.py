"""This module lists the secrets that are known by what stands around them: URLs, headers, commands, SQL, files."""

from memory_mcp.redaction.shapes import Shape, folded, inside, shape

_DATABASES = (
    r"(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql|sqlserver|clickhouse|libsql|oracle|cockroachdb)"
)
_QUOTED = r"(?:\"([^\"$<{\n\\][^\"\n\\]{0,200})\"|'([^'$<{\n\\][^'\n\\]{0,200})'"
_ARGUMENT = rf"{_QUOTED}|([^\s\"'$<{{`|;&()\\]{{3,200}}))"
_ONE_COMMAND = r"(?:(?!{})[^\n|;]){{0,300}}?"  # up to the next such command, so that each character is read once
_NO_URL_EXAMPLE = r"(?!(?:user(?:name)?|usr|name|login):(?:pass(?:word|wd)?|pwd|pw|secret)@|[^\s@/%]{0,40}+%[sd(])"
_TOKEN = r"(?=[^\s\"'\d]{0,200}+\d)[\w.~+/-]"  # noqa: S105 - a pattern
_ENCODED = r"\s{0,3}=\s{0,3}[\"']?([a-z0-9+/]{8,}={0,2})(?![\w.(\[])"
_SESSIONS = ("jsessionid", "phpsessid", "asp.net_sessionid", "laravel_session", "aspsessionid")
# a number of JSON is no session, and a word in its place would be no JSON
_SESSION = (
    r"[\w.]{0,20}[\"']?\s{0,2}[=:]\s{0,2}[\"']?((?!-?\d{1,60}(?:\.\d{1,60})?\s{0,3}[,}\]])"
    r"(?=[^\s;,\"'\d]{0,60}+\d)[\w%.:~+/|-]{16,})"
)
_ECHOED = r"\s{1,3}(?:-n\s{1,3})?[\"']?([^\s\"'$`|<\\]{3,200})(?:\\n)?[\"']?\s{0,3}\|\s{0,3}"

SURROUNDINGS: tuple[Shape, ...] = (
    Shape("aws-secret", ("aws",), (
        r"[\w.-]{0,30}secret[\w.-]{0,30}\\{0,3}[\"']?\]?\s{0,4}(?::=|=>|=|:)\s{0,4}\\{0,3}[\"']?([a-z0-9/+=]{40})(?![\w/+=])"
    ), starts_word=False, folded=True),
    Shape("connection-string", ("://",), (
        rf"{_NO_URL_EXAMPLE}([^/\s:@\"'<{{$\\]{{0,100}}+:(?!//)[^\s@\"'<{{$\\]{{1,300}}+"
        r"(?:@[^\s@\"'<{$?#\\]{1,100}+(?=@)){0,3})(?=@[\w.\[%-])"
    ), rf"{_DATABASES}(?:\+[a-z0-9]{{1,20}})?\Z", 40, starts_word=False, folded=True),
    inside("password", "://", (
        rf"{_NO_URL_EXAMPLE}([^/\s:@\"'<{{$\\]{{1,100}}+:(?!//)[^/\s@\"'<{{$\\]{{1,300}}+"
        r"(?:@[^\s@\"'<{$/?#:\\]{1,100}+(?=@)){0,3})(?=@[\w.\[%-])"
    )),
    inside("token", "://", r"((?=[A-Za-z_~.-]{0,60}+\d)(?=[\d_~.-]{0,60}+[A-Za-z])[\w~-]{20,250})(?=@[\w\[])"),
    folded("basic-credentials", ("authorization",), (
        r"\\{0,3}[\"'\]]{0,2}\s{0,4}(?:=>|[:=,])\s{0,4}\\{0,3}[\"'`]?basic\s{1,3}([a-z0-9+/]{8,}=*)"
    ), starts_word=False).given("auth"),
    folded("token", ("authorization",), (
        r"\\{0,3}[\"'\]]{0,2}\s{0,4}(?:=>|[:=,])\s{0,4}\\{0,3}[\"'`]?(?:(?!basic\b)[a-z][a-z0-9_-]{2,20}[ =]{1,3}"
        rf"(?:token=\"?)?({_TOKEN}{{8,}}=*)|({_TOKEN}{{12,}}=*)(?![\w.(\[]))"
    ), starts_word=False).given("auth"),
    folded("token", ("bearer",), rf"[ ]{{1,3}}({_TOKEN}{{16,}}=*)"),
    folded("netrc-password", ("password",), r"\s{1,20}((?=[^\s\d]{0,100}+\d)[^\s<\"'${\\][^\s\"'\\]{3,200})"
    ).behind(r"\b(?:login|user)\s{1,20}\S{1,100}\s{1,20}", 150).given("pass"),
    folded("netrc-password", ("password",), r"\s{1,20}([^\s<\"'${\\][^\s\"'\\]{3,200})"
    ).behind(r"\b(?:machine\s{1,20}\S{1,100}|default)\s{1,20}(?:login\s{1,20}\S{1,100}\s{1,20})?", 300),
    inside("password", ":5432: :5433: :*:", (
        r"[^:\s]{1,64}:[^:\s]{1,64}:([^\s:<$\"'\\]{4,200})(?=[\s\"'\\]|(?![\s\S]))"
    ), r"(?<![^\s\"'])[\w.*-]{1,100}", 101),
    folded("basic-credentials", ("_auth",), _ENCODED, starts_word=False).given("auth"),
    folded("basic-credentials", (":_password",), _ENCODED, starts_word=False).given("pass"),
    folded("basic-credentials", ('auth"',), (  # of a docker config: user:password in base64 is whole groups of four
        r"\s{0,4}:\s{0,4}\\{0,3}\"((?:[a-z0-9+/]{4}){2,300}(?:[a-z0-9+/]{2}(?:[a-z0-9+/]|=)=)?)\\{0,3}\""
    )).given("auth"),
    folded("session-cookie", _SESSIONS, _SESSION).given("sess"),
    folded("session-cookie", ("connect.sid",), _SESSION),
    shape("command-credentials", "curl", (
        rf"\b{_ONE_COMMAND.format('curl')}\s(?:-[a-zA-Z]{{0,6}}[uU]|--user|--proxy-user)[= ]{{0,2}}"
        r"[\"']?([^\s:\"'$<{\\]{0,100}:[^\s\"'$<{\\]{1,200})"
    )),
    shape("command-password", "sshpass", rf"\s{{1,4}}-p\s{{0,3}}{_ARGUMENT}").given(" -p"),
    shape("password", "SSHPASS=", _ARGUMENT),
    shape("command-password", "mysql mariadb", (
        rf"[\w-]{{0,12}}\b{_ONE_COMMAND.format('mysql|mariadb')}\s-p(?!\d{{1,5}}:|[\s=]){_ARGUMENT}"
    )).given(" -p"),
    shape("command-password", "login", (
        rf"\b{_ONE_COMMAND.format('login')}\s-p[= ]{{0,2}}(?!\d{{1,5}}\b){_ARGUMENT}"
    )).behind(r"\b(?:docker|podman|nerdctl|buildah|skopeo|registry|oc|az|acr|cf)\s[\w\s.-]{0,30}", 50).given(" -p"),
    shape("command-password", "redis-cli", (
        rf"\b{_ONE_COMMAND.format('redis-cli')}\s(?:-a|--pass)\s{{1,3}}{_ARGUMENT}"
    )),
    shape("command-password", "mongo", (
        rf"\w{{0,8}}\b{_ONE_COMMAND.format('mongo')}\s-p\s{{1,3}}{_ARGUMENT}"
    )).given(" -p"),
    shape("command-password", "ldap", (
        rf"\w{{1,8}}\b{_ONE_COMMAND.format('ldap')}\s-w\s{{0,3}}{_ARGUMENT}"
    )).given(" -w"),
    shape("command-password", "sqlcmd bcp", (
        rf"\b{_ONE_COMMAND.format('sqlcmd|bcp')}\s-P\s{{0,3}}{_ARGUMENT}"
    )).given(" -p"),
    shape("command-password", "pass:", _ARGUMENT).given("pass").behind(r"-(?:pass|passin|passout)\s{1,3}[\"']?", 15),
    shape("command-password", "echo printf", (
        rf"{_ECHOED}(?:sudo\s[^\n|]{{0,20}}-S|[^\n|]{{0,120}}?(?:--password-stdin|passwd --stdin|chpasswd))"
    )).given("|"),
    folded("command-password", ("convertto-securestring",), (
        rf"(?:\s{{1,3}}-(?:string|asplaintext|force)){{0,3}}\s{{1,3}}{_QUOTED})"
    )),
    folded("database-password", ("identified",), (
        r"\s{1,4}(?:with\s{1,4}\S{1,60}\s{1,4})?(?:by|as)\s{1,4}(?:password\s{1,4}|values\s{1,4})?" + _QUOTED + ")"
    )).behind(r"\b(?:user|grant|alter|create)\b[\s\S]{0,150}", 170),
    shape("database-password", "IDENTIFIED", (  # in capitals it is SQL also where the statement has been cut
        r"\s{1,4}(?:WITH\s{1,4}\S{1,60}\s{1,4})?(?:BY|AS)\s{1,4}(?:PASSWORD\s{1,4}|VALUES\s{1,4})?" + _QUOTED + ")"
    )),
    folded("database-password", ("password",), (
        r"\s{0,3}(?:=\s{0,3}password\s{0,2})?\(?\s{0,2}'([^'$<{%\n][^'\n]{3,200})'"
    )).behind(r"\b(?:with|encrypted|login|set|(?:role|user)\s{1,4}\S{1,60})\s{1,4}", 80),
)  # fmt: skip
