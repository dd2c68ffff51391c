import pytest
import yaml

from orchestra.manifest import parse, tree
from orchestra.manifest.problem import Problems
from orchestra.model.errors import ManifestError


def told(text: str) -> list[str]:
    problems = Problems()
    parse.document("m", text, problems)
    try:
        problems.raise_all()
    except ManifestError as failed:
        return [
            f"{one.location and (one.location.line, one.location.column)} {one.summary}"
            for one in failed.diagnostics
        ]
    return []


@pytest.fixture(params=["C", "Python"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "Python":
        monkeypatch.setattr(parse, "LOADER", yaml.SafeLoader)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a: 1", {"a": 1}),
        ("on: yes", {"on": "yes"}),
        ("1: x\ntrue: y\n~: z", {"1": "x", "true": "y", "~": "z"}),
        ("a: '1'\nb: \"2\"\nc: |\n  3\n", {"a": "1", "b": "2", "c": "3\n"}),
        ("a: &x [1, {b: 2}]\nc: *x", {"a": [1, {"b": 2}], "c": [1, {"b": 2}]}),
        ("[]", []),
        ("{}", {}),
        ("a:\n- b\n-\n", {"a": ["b", None]}),
        ('"<<": 1', {"<<": 1}),
        ("\ufeffa: 1", {"a": 1}),
    ],
)
def test_a_document_becomes_a_tree(text: str, plain: object) -> None:
    root = parse.document("m", text, Problems())
    assert root is not None
    assert tree.plain(root) == plain


def test_every_node_knows_its_place() -> None:
    root = parse.document("m", "a: 1\nb:\n  - c: {d: x}\n", Problems())
    found = tree.child(tree.items(tree.child(root, "b"))[0], "c")
    assert isinstance(found, tree.Map)
    key, value = found.entries["d"].at, found.entries["d"].node.at
    assert (key.line, key.column, key.path) == (3, 9, "b.0.c.d")
    assert (value.line, value.column, value.path) == (3, 12, "b.0.c.d")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "(1, 1) the file is empty"),
        ("# nothing\n", "(1, 1) the file is empty"),
        ("a: 1\nb: 2\na: 3", "(3, 1) the key `a` stands here twice"),
        ("a: !!str 1", "(1, 4) YAML tags such as `tag:yaml.org,2002:str` are not supported"),
        ("a: !x {}", "(1, 4) YAML tags such as `!x` are not supported"),
        ("a: &x {b: 1}\nc:\n  <<: *x", "(3, 3) merge keys (`<<`) are not supported"),
        ("a: 1\n---\nb: 2", "(2, 1) a second document begins here"),
        ("a: {{ x }}", "(1, 5) a key must be text, not a map or a list"),
        ("[a]: 1", "(1, 1) a key must be text, not a map or a list"),
        ("a: &x 1\n*x : 2", "(2, 1) an alias cannot be a key"),
        ("a: *nope", "(1, 4) there is no anchor `nope`"),
        ("a: &x [*x]", "(1, 8) the alias `x` would hold itself"),
        ("a: .inf", "(1, 4) the number `.inf` is too large or not finite"),
        ('a: "\\0"', "(1, 4) a text cannot hold a NUL character"),
        ('"a\\0": 1', "(1, 1) a key cannot hold a NUL character"),
    ],
)
def test_what_is_refused_is_told_at_its_place(text: str, complaint: str) -> None:
    assert told(text) == [complaint]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: b: c", "(1, 5)"),
        ("a: [1", "(2, 1)"),
        ("a:\n\t- b", "(2, 1)"),
        ("a: 'x", "(1, 6)"),
        ("a: @x", "(1, 4)"),
    ],
)
def test_broken_yaml_is_told_at_its_place(text: str, place: str) -> None:
    [complaint] = told(text + "\n" if text == "a: [1" else text)
    assert complaint.startswith(f"{place} YAML: ")


def test_several_problems_of_one_file_are_told_together() -> None:
    assert len(told("a: 1\na: 2\nb: !x 3\n<<: {}\n")) == 3


@pytest.mark.parametrize(("depth", "complaints"), [(32, 0), (33, 1)])
def test_depth_is_bounded(depth: int, complaints: int) -> None:
    assert len(told("[" * depth + "]" * depth)) == complaints


@pytest.mark.parametrize(("aliases", "complaints"), [(100, 0), (101, 1)])
def test_aliases_are_bounded(aliases: int, complaints: int) -> None:
    assert len(told("a: &x 1\nb: [" + ", ".join(["*x"] * aliases) + "]")) == complaints


def test_aliases_inside_aliased_values_count_again() -> None:
    nested = "a: &a 1\nb: &b [" + "*a, " * 9 + "]\n"
    assert told(nested + "c: [" + "*b, " * 9 + "]") == []  # 9 + 9 × 10
    assert len(told(nested + "c: [" + "*b, " * 10 + "]")) == 1


@pytest.mark.parametrize(("values", "complaints"), [(49_990, 0), (50_001, 1)])
def test_values_are_bounded(values: int, complaints: int) -> None:
    assert len(told("[" + "1," * values + "]")) == complaints
