"""What looks like a secret, and so never stands in a snapshot."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

_NAME = re.compile(
    r"(^|_)(PASS(WORD|WD|PHRASE)?|PWD|SECRETS?|TOKENS?|CREDENTIALS?|CREDS?|AUTH|COOKIE|SESSION_ID|SALT|PAT|JWT|DSN|SAS|OTP"
    r"|(API|ACCESS|PRIVATE|SIGNING|ENCRYPTION|MASTER|SECRET|DEPLOY|LICENSE|SERVICE)_?KEY(_ID)?|APIKEY|KEY)(_|$)"
    r"|PASSWORD|SECRET|TOKEN|CREDENTIAL|(API|ACCESS|AUTH|ENC|PRIV|PRIVATE)_?KEY|(?<!COM)(?<!BY)PASS(_|$)",
    re.IGNORECASE,
)
_PASSWORD = re.compile(r"PASS|PWD|OTP", re.IGNORECASE)
"""Digits alone can be one of these, and are a number in all others: TOKEN_LIMIT, KEY_COUNT."""
_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|://[^/\s:@]*:[^/\s@]+@"  # a URL with a password
    r"|://(?=[^@/]*[0-9])[A-Za-z0-9_.~%-]{16,}@"  # … with a token for a name
    r"|\bhooks\.slack\.com/services/\w|\bdiscord(?:app)?\.com/api/webhooks/\w"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abposr]-|sk-|sk_live_|rk_live_|pk_live_|AKIA|ASIA|AIza|ya29\.|npm_|pypi-|dop_v1_|hf_|SG\.)[A-Za-z0-9_.-]{12,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"  # a JSON web token
    r"|\b(?:Bearer|Basic)\s+[A-Za-z0-9+/_.=-]{12,}"
    r"|(?i:\b(?:Cookie|Authorization|X-[a-z-]*(?:key|token|auth|secret)[a-z-]*)\s*:\s*[^\s'\"])"  # a header
    r"|(?i:(?:password|passwd|passphrase|secret|token|(?:api|access|auth|private|secret)[_-]?key|(?<![a-z])(?:pass|pwd))"
    r"['\"]?\s*[=:]\s*['\"]?(?![0-9]*$)[^\s'\"&;,$])"  # said to be one: in a query, in JSON, in another program's option
)
_OPTION = re.compile(r"--?([A-Za-z][A-Za-z0-9_-]*)(?:=(.*))?", re.DOTALL)
_RANDOM = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9+/=_-]{32,}")
_PLAIN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{40}|.*/.*/.*", re.IGNORECASE)
"""Names of things, commits, paths: long and of both kinds, and no secret."""
_SHORT = tuple(
    re.compile(rf"(?:^|[\0/])(?:{program})\0(?:.*\0)?(?:{option})", re.DOTALL)
    for program, option in (
        (r"mysql[a-z]*|mariadb[a-z-]*|7z[a-z]*|rar|unrar", r"-p[^\0]"),
        (r"sshpass|mongo[a-z]*", r"-p\0?[^\0]"),
        (r"redis-cli|valkey-cli", r"-a\0?[^\0]"),
        (
            r"curl",
            r"(?:-[A-Za-z]*[uU]\0?|--(?:proxy-)?user[\0=])[^\0-][^\0]*:[^\0]|(?:-b\0?|--cookie[\0=])[^\0]+=",
        ),
        (r"https?|xh", r"(?:-a\0?|--auth[\0=])[^\0]"),
        (r"ldap[a-z]+", r"-w\0?[^\0]"),
        (r"smbclient|rpcclient", r"-U\0?[^\0]*%[^\0]"),
        (r"docker|podman|nerdctl|helm|oras", r"login\0(?:.*\0)?-p\0?[^\0]"),
        (r"zip|unzip|sqlcmd|bcp", r"-P\0?[^\0]"),
    )
)
"""Programs whose option of one letter has a secret behind it."""


def is_secret(name: str, value: str) -> bool:
    """Of a variable. Rather one too many: what is left out is told, what is kept is read by others."""
    if not value or (value.isdecimal() and not (len(value) >= 4 and _PASSWORD.search(name))):
        return False
    return _NAME.search(name) is not None or in_text(value)


def in_text(value: str) -> bool:
    if _VALUE.search(value):
        return True
    return _RANDOM.fullmatch(value) is not None and _PLAIN.fullmatch(value) is None


def in_line(line: str) -> bool:
    """Of a shell, or what a program shows of its own."""
    try:
        return in_words(shlex.split(line))
    except ValueError:  # a quote that nobody closed
        return in_words(line.split())


def in_words(argv: Sequence[str]) -> bool:
    """Whether a command's words hold one: `--password=x`, `--token x`, `TOKEN=x`, `mysql -px`, a key, a header, a URL with a password;
    also in a command that is one of its words."""
    if any(each.search("\0".join(argv)) for each in _SHORT):
        return True
    named = False
    for word in argv:
        if named and not word.startswith("-"):
            return True
        named = False
        if _VALUE.search(word) or (" " in word.strip() and in_line(word)):
            return True
        option = _OPTION.fullmatch(word)
        if option is not None:
            name, value = option[1].replace("-", "_"), option[2]
            if _NAME.search(name):
                if value:
                    return True
                named = value is None
            continue
        name, sign, value = word.partition("=")
        if sign and name.isidentifier() and is_secret(name, value):
            return True
    return False
