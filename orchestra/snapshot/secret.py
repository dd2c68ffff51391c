"""What looks like a secret, and so never stands in a snapshot."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NAME = re.compile(
    r"(^|_)(PASS(WORD|WD|PHRASE)?|PWD|SECRETS?|TOKENS?|CREDENTIALS?|CREDS?|AUTH|COOKIE|SESSION_ID|SALT|PAT|JWT|DSN|SAS"
    r"|(API|ACCESS|PRIVATE|SIGNING|ENCRYPTION|MASTER|SECRET|DEPLOY|LICENSE|SERVICE)_?KEY(_ID)?|APIKEY|KEY)(_|$)"
    r"|PASSWORD|SECRET|TOKEN|CREDENTIAL",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|://[^/\s:@]*:[^/\s@]+@"  # a URL with a password
    r"|\b(?:gh[pousr]_|github_pat_|glpat-|xox[abposr]-|sk-|sk_live_|rk_live_|pk_live_|AKIA|ASIA|AIza|ya29\.|npm_|pypi-|dop_v1_|hf_|SG\.)[A-Za-z0-9_.-]{12,}"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"  # a JSON web token
    r"|\b(?:Bearer|Basic)\s+[A-Za-z0-9+/_.=-]{12,}"
)
_OPTION = re.compile(r"--?([A-Za-z][A-Za-z0-9_-]*)(?:=(.*))?", re.DOTALL)
_RANDOM = re.compile(r"(?=[^0-9]*[0-9])(?=[^A-Za-z]*[A-Za-z])[A-Za-z0-9+/=_-]{32,}")
_PLAIN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{40}|.*/.*/.*", re.IGNORECASE)
"""Names of things, commits, paths: long and of both kinds, and no secret."""


def is_secret(name: str, value: str) -> bool:
    """Of a variable. Rather one too many: what is left out is told, what is kept is read by others."""
    if not value or value.isdecimal():
        return False
    return _NAME.search(name) is not None or _tells(value)


def _tells(value: str) -> bool:
    if _VALUE.search(value):
        return True
    return _RANDOM.fullmatch(value) is not None and _PLAIN.fullmatch(value) is None


def in_words(argv: Sequence[str]) -> bool:
    """Whether a command's words hold one: `--password=x`, `--token x`, `TOKEN=x`, a key, a URL with a password."""
    named = False
    for word in argv:
        if named and not word.startswith("-"):
            return True
        named = False
        if _VALUE.search(word):
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
