from __future__ import annotations

import shlex

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from orchestra.snapshot import secret

RANDOM = "8sJ2kq0ZpLx7Vb3NwQ5tYd1RfGh6Mc4A"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "x"),
        ("dbPassword", "x"),
        ("MYSQL_PWD", "x"),
        ("PGPASSWORD", "x"),
        ("SSHPASS", "x"),
        ("DBPASS", "x"),
        ("MY_PASS", "123456"),
        ("PASSPHRASE", "x"),
        ("GITHUB_TOKEN", "x"),
        ("accessToken", "x"),
        ("NPM_CONFIG__AUTH", "x"),
        ("OPENAI_API_KEY", "x"),
        ("apiKey", "x"),
        ("S3_KEY", "x"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("SSH_PRIVKEY", "x"),
        ("ENCKEY", "x"),
        ("OTP_CODE", "x"),
        ("SENTRY_DSN", "x"),
        ("SESSION_ID", "x"),
        ("HARMLESS", RANDOM),
        ("DATABASE_URL", "postgres://me:hunter2@db/shop"),
        ("REDIS_URL", "redis://:hunter2@db:1/0"),
        ("REMOTE", "https://a1b2c3d4e5f6a7b8c9@github.com/x/y"),
        ("HOOK", "https://hooks.slack.com/services/T0/B0/abc"),
        ("HOOK", "https://discord.com/api/webhooks/1/abc"),
        ("URL", "https://x/?token=abc&a=b"),
        ("CONNECTION", "Server=x;User=u;Password=abc"),
        ("JSON", '{"password": "abc"}'),
        ("HEADER", "Authorization: Bearer abcdefghijklm"),
        ("HEADER", "X-Api-Key: abc"),
        ("PEM", "-----BEGIN RSA PRIVATE KEY-----\nabc"),
        ("WHAT", "ghp_abcdefghijklmnop"),
        ("WHAT", "eyJhbGciOiJI.eyJzdWIiOiIx"),
    ],
)
def test_variables_that_are_secrets(name: str, value: str) -> None:
    assert secret.is_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", ""),
        ("TOKEN_LIMIT", "4096"),
        ("PASS_COUNT", "3"),
        ("KEYBOARD", "de"),
        ("AUTHOR", "me"),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("COMPASS", "north"),
        ("BYPASS", "yes"),
        ("MONKEY", "x"),
        ("PORT", "8080"),
        ("URL", "https://example.org/a?b=c"),
        ("REMOTE", "ssh://git@github.com/x/y"),
        ("REPOSITORY", "git@github.com:x/y.git"),
        ("COMMIT", "8f14e45fceea167a5a36dedd4bea2543fceea167"),
        ("ID", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        ("FOLDER", "/home/user/project1/very/long/path/to/it"),
        ("LS_COLORS", "rs=0:di=01;34:ln=01;36"),
    ],
)
def test_variables_that_are_none(name: str, value: str) -> None:
    assert not secret.is_secret(name, value)


@pytest.mark.parametrize(
    "line",
    [
        "mysql -u root -phunter2",
        "sudo mysql -phunter2 shop",
        "mysqldump --password=hunter2",
        "sshpass -p hunter2 ssh host",
        "sshpass -phunter2 ssh host",
        "redis-cli -h db -a hunter2",
        "mongosh -u me -p hunter2",
        "curl -u me:hunter2 http://x",
        "curl -sSu me:hunter2 http://x",
        "/usr/bin/curl --user me:hunter2 http://x",
        "curl --user=me:hunter2 http://x",
        "curl -b session=hunter2 http://x",
        "curl -H 'X-Api-Key: hunter2' http://x",
        "curl -H 'Authorization: Bearer abcdefghijklm' http://x",
        'curl -d \'{"password":"hunter2"}\' http://x',
        "wget '--header=Cookie: sid=hunter2' http://x",
        "http -a me:hunter2 GET x",
        "http GET 'x?access_token=hunter2'",
        "ldapsearch -x -w hunter2",
        "smbclient -U 'me%hunter2' //host/share",
        "docker login -u me -p hunter2",
        "docker run -e DB_PASSWORD=hunter2 image",
        "docker run --env=TOKEN=hunter2 image",
        "zip -P hunter2 a.zip a",
        "psql postgres://me:hunter2@db/shop",
        "psql 'host=db password=hunter2'",
        "git clone https://a1b2c3d4e5f6a7b8c9@github.com/x/y",
        "openssl rsa -passin pass:hunter2",
        "java -Dspring.datasource.password=hunter2 -jar x.jar",
        "helm install --set db.password=hunter2 x",
        "xfreerdp /v:host /password:hunter2",
        "vault login token=hunter2",
        "kubectl --token hunter2 get pods",
        "tool -token hunter2",
        "tool --dbPassword hunter2",
        "tool ghp_abcdefghijklmnop",
        "PGPASSWORD=hunter2 psql",
        "env PGPASSWORD=hunter2 psql",
        "sh -c 'mysql --password hunter2'",
        "sh -c 'export TOKEN=hunter2; tool'",
        "bash -c \"sh -c 'redis-cli -a hunter2'\"",
        "tail -f log | curl -H 'X-Api-Key: hunter2' -T - x",
        "tool --password 'not closed",
    ],
)
def test_commands_that_hold_one(line: str) -> None:
    assert secret.in_line(line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "vim a.txt",
        "mysql -u root -p",
        "mysql -h db shop",
        "docker run -p 8080:80 image",
        "docker compose -p shop up",
        "ssh -p 22 host",
        "curl -u me http://x",
        "curl http://localhost:8080/a",
        "python -m http.server -b 127.0.0.1",
        "tool --password",
        "tool --password --verbose",
        "tool --token=",
        "make pass=3",
        "git clone git@github.com:x/y.git",
        "npm run dev",
        "grep -rn token src",
        "tail -f log | grep --line-buffered error",
        "it's not closed",
    ],
)
def test_commands_that_hold_none(line: str) -> None:
    assert not secret.in_line(line)


@given(words=some.lists(some.text(some.sampled_from("ab '\"\\|-=\0\n"), max_size=8), max_size=5))
@example(words=["-p", "'\"'\"'", "\\ "])
def test_a_command_inside_of_words_is_found_however_it_is_quoted(words: list[str]) -> None:
    inner = shlex.join([*words, "tool", "--password", "hunter2"])
    assert secret.in_words(["sh", "-c", inner])
    assert secret.in_line(shlex.join(["sh", "-c", inner]))
