"""A document back to YAML that reads as the same document: here and, since YAML 1.1 and 1.2 differ in what is text, elsewhere too."""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml

from orchestra.manifest import scalar

HIDDEN = re.compile(r"[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
"""Characters that a terminal obeys, or that show nothing but move or hide what stands beside them."""


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = None
    if HIDDEN.search(value):
        style = '"'
    elif "\n" in value:
        style = "|"
    elif not is_plain(value):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def is_plain(value: str) -> bool:
    try:
        return isinstance(scalar.resolve(value), str)
    except scalar.NotANumber:
        return False


_Dumper.add_representer(str, _text)


def text(document: Mapping[str, object]) -> str:
    """In the document's order, without anchors."""
    written = yaml.dump(
        dict(document),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=2**16,
    )
    # They stand between double quotes only, where an escape means the same.
    return HIDDEN.sub(lambda found: f"\\u{ord(found[0]):04x}", written)
