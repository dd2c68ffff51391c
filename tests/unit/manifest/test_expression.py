import pytest

from orchestra.manifest import fault, template, tree

SCOPE: dict[str, tree.Value] = {
    "port": 8000,
    "name": "web",
    "debug": False,
    "environment": None,
    "path": "/a/b.c",
    "bad": tree.UNKNOWN,
}


def evaluate(text: str) -> tree.Value:
    return template.Engine().evaluate(text, SCOPE)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{{ port + 1 }}", 8001),
        ("{{ port / 2 }}", 4000.0),
        ("{{ port // 3 }} {{ port % 3 }} {{ -port }}", "2666 2 -8000"),
        ("{{ name + '-x' }}", "web-x"),
        ("{{ name ~ port ~ debug }}", "web8000false"),
        ("{{ 'ab' * 2 }}", "abab"),
        ("{{ not debug }}", True),
        ("{{ 'a' if debug else 'b' }}", "b"),
        ("{% if environment == 'prod' %}x{% elif port > 80 %}y{% else %}z{% endif %}", "y"),
        ("{{ environment | default('dev') }}", "dev"),
        ("{{ nope | default('dev') }}", "dev"),
        ("{{ nope if nope is defined else 1 }}", 1),
        ("{{ '' | default('x', true) }}", "x"),
        ("{{ name | upper | lower | trim | length }}", 3),
        ("{{ '5' | int + 1 }}", 6),
        ("{{ 'x' | int(3) }}", 3),
        ("{{ '1.5' | float }}", 1.5),
        ("{{ port | string }}", "8000"),
        ("{{ [name, port] | join(',') }}", "web,8000"),
        ("{{ [1, 2] | first }}{{ 'abc' | last }}", "1c"),
        ("{{ name | replace('w', 'W') }}", "Web"),
        ('{{ "it\'s" | quote }}', "'it'\"'\"'s'"),
        ("{{ path | basename }} {{ path | dirname }}", "b.c /a"),
        ("{{ name | tojson }}", '"web"'),
        ("{{ name in ['web', 'api'] }}", True),
        ("{{ 80 < port < 9000 }}", True),
        ("{{ '{{' }}.Names}}", "{{.Names}}"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("${#list} {{ port + 0 }}", "${#list} 8000"),
        ("{{ port + 1 }}\n", "8001\n"),
        ("{{ bad + 1 }}", tree.UNKNOWN),
        ("{{- port -}}", 8000),
    ],
)
def test_expressions_have_values(text: str, value: object) -> None:
    found = evaluate(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("{{ nope + 1 }}", "there is no variable `nope`"),
        ("{{ replica + 1 }}", "`replica` is only known in panes with `replicas`"),
        ("{{ name.upper() }}", "templates cannot use calls"),
        ("{{ name.__class__ }}", "templates cannot use attributes (`a.b`)"),
        ("{{ name['x'] }}", "templates cannot use items (`a[b]`)"),
        ("{{ 2 ** 3 }}", "templates cannot use powers"),
        ("{% for x in [1] %}{% endfor %}", "templates cannot use loops"),
        ("{% set x = 1 %}", "templates cannot use assignments"),
        ("{% include 'x' %}", "templates cannot use includes"),
        ("{% import 'x' as y %}", "templates cannot use imports"),
        ("{{ {} }}", "templates cannot use maps"),
        ("{{ name | nope }}", "there is no filter `nope`"),
        ("{{ name is nope }}", "there is no test `nope`"),
        ("{{ name | attr('x') }}", "there is no filter `attr`"),
        ("{{ range(3) }}", "templates cannot use calls"),
        ("{{ '%s' % name }}", "text cannot be formatted with `%`"),
        ("{{ [1] }}", "a template gives text, a number, `true` or `false`, not a list"),
        ("x{{ [1] }}", "a template gives text, a number, `true` or `false`, not a list"),
        ("x{{ none }}", "this has no value here"),
        ("{{ 'x' | int }}", "`x` is not a whole number"),
        ("{{ 1 / 0 }}", "the template fails: division by zero"),
        ("{{ port < name }}", "the template fails: '<' not supported between instances of 'int' and 'str'"),
        ("{{ 9223372036854775807 * 2 }}", "a template makes a number that is too large"),
        ("{{ 1e308 * 10 }}", "a template makes a number that is too large"),
        ("{{ '\\x00' }}", "a template makes a NUL character here"),
        ("{{ '\\ud800' }}", "a template makes half a character (a lone surrogate) here"),
        ("{{ .Names }}", "the template cannot be read: unexpected '.'"),
        (
            "{{ 'x' ",
            "the template cannot be read: unexpected end of template, expected 'end of print statement'.",
        ),
        (
            "{{ x",
            "the template cannot be read: unexpected end of template, expected 'end of print statement'.",
        ),
    ],
)
def test_what_is_refused_is_said(text: str, summary: str) -> None:
    with pytest.raises(fault.Faulty) as wrong:
        evaluate(text)
    assert wrong.value.summary == summary


def test_one_text_is_compiled_once_and_charged_each_time() -> None:
    engine = template.Engine()
    engine.evaluate("{{ port + 1 }}", SCOPE)
    source, work = engine.budget.source, engine.budget.work
    assert engine.evaluate("{{ port + 1 }}", {"port": 1}) == 2
    assert engine.budget.source == source
    assert engine.budget.work < work
