import hypothesis
import pytest
from hypothesis import strategies

from orchestra.manifest import fault, template, tree

SCOPE: dict[str, tree.Value] = {
    "port": 8000,
    "name": "web",
    "debug": True,
    "ratio": 1.5,
    "environment": None,
    "bad": tree.UNKNOWN,
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ port }}", 8000),
        ("{{port}}", 8000),
        ("{{ debug }}", True),
        ("{{ ratio }}", 1.5),
        ("{{ environment }}", None),
        ("{{ port }} ", "8000 "),
        (":{{ port }}/{{ name }}", ":8000/web"),
        ("{{ debug }}!", "true!"),
        ("{{ name }}}", "web}"),
        ("a }} b {{ name }}", "a }} b web"),
        ("{{ bad }}", tree.UNKNOWN),
        ("x{{ bad }}", tree.UNKNOWN),
        ("{{ port }}{{ name }}", "8000web"),
    ],
)
def test_names_are_looked_up(text: str, value: object) -> None:
    found = template.Engine().evaluate(text, SCOPE)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("{{ prot }}", "there is no variable `prot`"),
        ("{{ replica }}", "`replica` is only known in panes with `replicas`"),
        ("x{{ environment }}", "`environment` has no value here"),
    ],
)
def test_what_cannot_be_looked_up_is_faulty(text: str, summary: str) -> None:
    with pytest.raises(fault.Faulty) as wrong:
        template.Engine().evaluate(text, SCOPE)
    assert wrong.value.summary == summary


@pytest.mark.parametrize(
    "text", ["{{{ port }}", "{{ true }}", "{{ port + 1 }}", "{% if port %}{% endif %}", "{{", "{{ a.b }}"]
)
def test_all_else_is_left_to_jinja2(text: str) -> None:
    assert template.pieces(text) is None


def test_both_ways_give_the_same() -> None:
    fast, slow = template.Engine(), template.Engine()

    @hypothesis.given(
        strategies.lists(
            strategies.sampled_from(
                ["{{ port }}", "{{debug}}", "{{ name }}", "}}", "{", "}", " ", "x", "#", "%", "\n", "${#a}"]
            )
        )
    )
    def same(parts: list[str]) -> None:
        text = "".join(parts)
        split = template.pieces(text)
        hypothesis.assume(template.is_template(text) and split is not None and set(split[1::2]) <= set(SCOPE))
        assert fast.evaluate(text, SCOPE) == slow.expression(text, SCOPE)

    same()
