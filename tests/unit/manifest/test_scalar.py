import pytest

from orchestra.manifest import scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("nUll", "nUll"),
        ("true", True),
        ("FALSE", False),
        ("on", "on"),
        ("yes", "yes"),
        ("y", "y"),
        ("22:30", "22:30"),
        ("1:20:30", "1:20:30"),
        ("2024-01-02", "2024-01-02"),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("-5", -5),
        ("+5", 5),
        ("-", "-"),
        (".", "."),
        ("1.10", 1.1),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1.2.3", "1.2.3"),
        ("٣", "٣"),
        ("9223372036854775807", 2**63 - 1),
    ],
)
def test_plain_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    resolved = scalar.resolve(text)
    assert (resolved, type(resolved)) == (value, type(value))


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "1e999", "9223372036854775808", "9" * 100_000])
def test_numbers_nobody_can_use_are_refused(text: str) -> None:
    with pytest.raises(scalar.NotANumber):
        scalar.resolve(text)


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (8000, "8000"), (1.5, "1.5"), ("x", "x")])
def test_values_are_spelled_as_templates_print_them(value: str | int | float | bool, text: str) -> None:
    assert scalar.spelled(value) == text
