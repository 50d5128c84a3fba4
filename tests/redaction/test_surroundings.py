"""Secrets that only their surroundings tell, and what looks like one and is none."""

import runpy
from pathlib import Path

import pytest

from memory_mcp.redaction.finding import secrets
from memory_mcp.redaction.redactor import Redactor

MIXED = "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY" * 3
HEX = "0123456789abcdef" * 4
# text before, the secret, text after; what replaces it begins with `<` and ends with `>`
TOLD: list[tuple[str, str, str]] = [
    ("MYSQL_PASS=", "hunter22", ""),
    ("MYSQL_PASS=", "swordfish", "\n"),
    ("SMTP_PASS: ", "swordfish", "\n"),
    ('db_pass="', "correct", '"'),
    ('db_pass="', "hunter 22 x", '"'),
    ("Authorization: token ", HEX[:40], ""),
    ("AUTHORIZATION: BEARER ", MIXED[:32], ""),
    ("authorization: bearer ", MIXED[:32], ""),
    ("    client-key-data: ", MIXED[:90], "\n"),
    ("    client-key-data: ", f"LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQo{MIXED}", "\n"),
    ('{"auths":{"https://index.docker.io/v1/":{"auth":"', "dXNlcjpodW50ZXIyMg==", '"}}}'),
    ("RAILS_MASTER_KEY=", HEX[:32], ""),
    ("secret_key_base: ", HEX, "\n"),
    ('password = "', "correct horse battery staple", '"'),
    ("password: '", "correct horse battery staple", "'"),
    ("sshpass -p ", "hunter", " ssh me@host"),
    ("sshpass -p '", "my pass", "' ssh me@host"),
    ("mysql -u root -p", "hunter2", " db"),
    ("mysqldump -uroot -p'", "hun ter2", "' db"),
    ("ALTER USER a IDENTIFIED WITH mysql_native_password BY '", "hunter2", "'"),
    ("IDENTIFIED BY '", "hunter2", "'"),
    ('  IDENTIFIED BY "', "swordfish", '";'),
    ("FROM alpine\nENV DB_PASSWORD ", "hunter22", "\nRUN x"),
    ("setx DB_PASSWORD ", "swordfish", ""),
    ("set -gx DB_PASSWORD ", "swordfish", "\n"),
    ("setenv API_TOKEN ", "abc123def456", "\n"),
    ("SSHPASS=", "swordfish", " sshpass -e ssh x"),
    ('password = "', "my hunter2Zq9X is long", '"'),
    ("ALTER ROLE app WITH PASSWORD '", "swordfish", "';"),
    ("Set-Cookie: sid=", "s%3Aabcdef123456.xyz", "; Path=/; HttpOnly"),
    ("set-cookie: JSESSIONID=", "0123456789ABCDEF0123", "; Path=/"),
    ("cookie: a=1; connect.sid=", "s:abcdefghij12345678", "; b=2"),
    ("password: |\n  ", "hunter22", "\nuser: x"),
    ("password: >-\n    ", "hunter22", "\n"),
    ("machine h\n  login me\n  password ", "swordfish", "\n"),
    ("db.x:5432:main:app:", "hunter2", "\n"),
    ("//registry.npmjs.org/:_authToken=", "123e4567-e89b-12d3-a456-426614174000", "\n"),
    ("//r.example/:_password=", "aHVudGVyMg==", "\n"),
    ("[pypi]\nusername = x\npassword = ", "hunter22", "\n"),
    ("docker login -u me -p ", "swordfish", " reg.example"),
    ("curl -sSu ", "user:pass2", " https://example.org"),
    ("psql postgres://", "app:p@ss/w@rd", "@db/main"),
    ("PGPASSWORD=", "swordfish", " psql"),
    ("export FOO_TOKEN=", "abc123def456", ""),
    ("GITHUB_PAT=", "abcdef0123456789", ""),
    ("x-api-key: ", "abc123def456", "\n"),
    ("Endpoint=sb://x/;SharedAccessKeyName=R;SharedAccessKey=", f"{MIXED[:43]}=", ""),
    ("Server=x;User Id=sa;Password=", "Hunter22", ";Encrypt=true"),
    ('            "password": "', "swordfish", '",'),
    ("ConvertTo-SecureString '", "hunter2", "' -AsPlainText -Force"),
    ("- name: DB_PASSWORD\n  value: ", "hunter22", ""),
    ('{"name": "DB_PASSWORD", "value": "', "swordfish", '"}'),
    ("<password>", "hunter22", "</password>"),
    ("password: str = '", "hunter22", "'"),
    ("config['password'] = '", "hunter22", "'"),
    ('["--password", "', "hunter22", '"]'),
    ("echo ", "hunter2", " | sudo -S ls"),
    ("echo '", "hunter2", "' | docker login -u x --password-stdin"),
    ("my password is ", "hunter22", ". Thanks"),
    ("redis-cli -h x -a ", "hunter2", " ping"),
    ("openssl rsa -passin pass:", "swordfish", " -in x"),
    ("git clone https://", "abcdef0123456789abcd", "@example.org/x"),
    ("spring.datasource.password=", "hunter22", "\n"),
    ("user=x\nspring.datasource.password=", "swordfish", "\n"),
    ("password: ", "12345678", "\n"),
    ("密码是", f"ghp_{MIXED[:36]}", ""),
    ("ask-sk-proj-x ", f"sk-proj-{MIXED[:48]}", ""),
]
NO_SECRETS = [
    "GITHUB_TOKEN: ${{ secrets.X1 }}",
    "password: <your password>",
    'password = os.environ["X1"]',
    "token = get_token()",
    'password: "Enter your password"',
    '"password": "Password"',
    "PWD=/home/user1/x OLDPWD=/home/user2",
    'password = getpass.getpass("Password 1: ")',
    'password = "${DB_PASSWORD1}"',
    'password: "{{ vault_pw1 }}"',
    "max_tokens: 4096, token_type: bearer",
    "const token = req2.headers.x",
    "connect(user, password=supplied, timeout=3)",
    "    password=supplied,\n    token=supplied_token2,",
    'compass: "north 1", bypass = "abc 12"',
    "progressToken: ProgressTokenSchema$1",
    "private_key: Ed25519PrivateKey | None",
    'TOKEN_STRINGS = "[A-Za-z0-9._~+/-]+=*"',
    '"token": "https://x/oauth2/v1/token"',
    'if (pkcs8.indexOf("-----BEGIN PRIVATE KEY-----") !== 0) { throw new TypeError("pkcs8ABCDEFGHIJKLMNOP") }',
    ".sk-fading-circle1-before-delay-x { color: red }",
    "https://user:password@host/",
    '"integrity": "sha512-aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYaB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYaB3dE5fG7hJ9kL1=="',
    'checksum = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
    "src: url(data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk)",
    "docker run -p 8080:80 mysql -p3306:3306; ssh login -p 2222",
    'localStorage.getItem("abc123def456"); STORAGE_KEY = "app-state-v1"',
    "a library identified by 'name1' in the login page",
    "set -e PASSWORD is read from stdin; ENV PASSWORD_FILE /run/secrets/db",
    "BYPASS=enabled\nsetenv EDITOR vim",
    'password = "it is not in Base64Url"; pwd = "This is the sha256sum of x"',
]


@pytest.mark.parametrize(("before", "secret", "after"), TOLD)
def test_a_secret_known_by_its_surroundings_is_replaced_and_they_stay(before: str, secret: str, after: str) -> None:
    redacted = Redactor().text(before + secret + after)

    assert redacted.startswith(f"{before}<")
    assert redacted.endswith(f">{after}")
    assert secret not in redacted
    assert Redactor().text(redacted) == redacted


@pytest.mark.parametrize("text", NO_SECRETS)
def test_what_only_looks_like_a_secret_stays(text: str) -> None:
    assert Redactor().text(text) == text


def test_a_secret_is_found_in_the_fields_and_arguments_of_a_call() -> None:
    given = {
        "headers": {
            "Authorization": "Basic dXNlcjpodW50ZXIy",
            "Cookie": "session=abc123def456",
            "X-Api-Key": "plainwords",
        },
        "argv": ["tool", "--password", "swordfish", "--verbose", "yes please"],
        "env": {"SMTP_PASS": "swordfish", "compass": "northward"},
    }

    assert Redactor().clean(given) == {
        "headers": {
            "Authorization": "Basic <basic-credentials>",
            "Cookie": "session=<session-cookie>",
            "X-Api-Key": "<secret>",
        },
        "argv": ["tool", "--password", "<secret>", "--verbose", "yes please"],
        "env": {"SMTP_PASS": "<secret>", "compass": "northward"},
    }


def test_names_without_their_secrets_still_differ() -> None:
    redactor = Redactor()
    first, second = (f"a/ghp_{letter * 36}.jsonl" for letter in "xy")

    names = [redactor.name(first), redactor.name(second), redactor.name("a/plain.jsonl")]

    assert names == [
        "a/<github-token>.jsonl#" + names[0][-8:],
        "a/<github-token>.jsonl#" + names[1][-8:],
        "a/plain.jsonl",
    ]
    assert names[0] != names[1]
    assert [redactor.name(name) for name in names] == names


def test_lock_files_hashes_pictures_and_ids_raise_no_alarm() -> None:
    benchmark = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "redaction.py"))

    made = benchmark["made_files"]()

    assert {name: found for name, text in made.items() if (found := secrets(text))} == {}
