from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from orchestra.tmux import settings

TEXT = some.text(some.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
ODD = some.text(some.sampled_from(" #';${}%\"\\~ab0\n\t\x01\x1b\x7fé漢"), max_size=8)
_CSTYLE = {"\n": "\\n", "\r": "\\r", "\b": "\\b", "\a": "\\a", "\v": "\\v", "\t": "\\t", "\f": "\\f"}


def _vis(text: str, *, quoted: bool) -> str:
    """vis(3) as tmux calls it (utf8_stravis with VIS_OCTAL, VIS_CSTYLE, VIS_TAB, VIS_NL), read off its source, not off ours."""
    made = ""
    for place, each in enumerate(text):
        after = text[place + 1 : place + 2]
        if each in _CSTYLE:
            made += _CSTYLE[each]
        elif each == "\\" or (each == '"' and quoted):
            made += f"\\{each}"
        elif (
            each == "$" and after and (after == "_" or after == "{" or (after.isascii() and after.isalpha()))
        ):
            made += "\\$"
        elif "\udc80" <= each <= "\udcff":
            made += f"\\{ord(each) - 0xDC00:03o}"
        elif ord(each) < 32 or ord(each) == 127:
            made += f"\\{ord(each):03o}"
        else:
            made += each
    return made


def printed(text: str) -> str:
    """What `show-options` makes of a value (tmux's args_escape)."""
    if not text:
        return "''"
    quote = '"' if any(each in " #';${}%" for each in text) else "'" if '"' in text else ""
    if text != " " and len(text) == 1 and (quote or text == "~"):
        return f"\\{text}"
    made = _vis(text, quoted=quote == '"')
    return f"\\{made}" if not quote and made.startswith("~") else f"{quote}{made}{quote}"


@given(value=some.one_of(TEXT, ODD))
def test_a_value_comes_back_from_tmuxs_quoting(value: str) -> None:
    assert settings.options([f"@x {printed(value)}"]) == {"@x": value}


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("@x ''", "@x", ""),
        ("@x", "@x", ""),
        ("mode-keys vi", "mode-keys", "vi"),
        ('@x "a b"', "@x", "a b"),
        ("@x 'say \"a\"'", "@x", 'say "a"'),
        ('@x "\\$HOME"', "@x", "$HOME"),
        ("@x \\~", "@x", "~"),
        ("@x a\\nb\\tc\\\\d", "@x", "a\nb\tc\\d"),
        ("@x \\001\\033", "@x", "\x01\x1b"),
        ("@x a\\377b", "@x", "a\udcffb"),
        ("update-environment[3] X", "update-environment[3]", "X"),
    ],
)
def test_lines_of_a_real_tmux(line: str, name: str, value: str) -> None:
    assert settings.options([line]) == {name: value}


def test_what_is_ours_is_not_said() -> None:
    lines = ["@orchestra_pane x", "remain-on-exit on", "allow-rename off", "", "@mine y"]
    assert settings.options(lines) == {"@mine": "y"}
