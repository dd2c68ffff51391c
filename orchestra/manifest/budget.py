"""How much all templates of one manifest may cost, so that none is slow and none is large."""

from __future__ import annotations

from dataclasses import dataclass

from orchestra.manifest import limits
from orchestra.manifest.fault import Faulty


@dataclass(slots=True)
class Budget:
    """Every method raises Faulty once there is nothing left."""

    work: int = limits.TEMPLATE_WORK
    nodes: int = limits.ALL_TEMPLATE_NODES
    source: int = limits.ALL_TEMPLATE_SOURCE

    def renew(self) -> None:
        self.work, self.nodes, self.source = (
            limits.TEMPLATE_WORK,
            limits.ALL_TEMPLATE_NODES,
            limits.ALL_TEMPLATE_SOURCE,
        )

    def make(self, characters: int) -> None:
        """For a text that a template makes, on the way or at the end."""
        refuse_long(characters)
        self.look_at(characters)

    def look_at(self, characters: int) -> None:
        self.work -= characters
        if self.work < 0:
            raise Faulty(
                f"the templates of this manifest work on more than {limits.TEMPLATE_WORK} characters"
            )

    def read(self, characters: int) -> None:
        """For a text that Jinja2 parses."""
        refuse_long(characters)
        self.source -= characters
        if self.source < 0:
            raise Faulty(
                f"the templates of this manifest have more than {limits.ALL_TEMPLATE_SOURCE} characters"
            )

    def compile(self, nodes: int) -> None:
        self.nodes -= nodes
        if self.nodes < 0:
            raise Faulty(f"the templates of this manifest have more than {limits.ALL_TEMPLATE_NODES} parts")


def refuse_long(characters: int) -> None:
    if characters > limits.TEXT:
        raise Faulty(f"a template makes more than {limits.TEXT} characters here")
