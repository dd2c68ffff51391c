"""Options and profiles that every test shares. Fixtures live beside the tests that use them."""

import os
import signal

import hypothesis
import pytest

_CI_EXAMPLES = 50

signal.signal(signal.SIGINT, signal.default_int_handler)
"""A shell's background job is started with it ignored, and all that it starts: nothing could be interrupted then."""

hypothesis.settings.register_profile(
    "ci",
    max_examples=_CI_EXAMPLES,
    deadline=None,  # a loaded machine is not a bug
    derandomize="CI"
    in os.environ,  # what chance finds is for whoever runs them by hand; a landing is judged by what it changes
    print_blob=True,
)
hypothesis.settings.register_profile(
    "torture",
    parent=hypothesis.settings.get_profile("ci"),
    max_examples=40 * _CI_EXAMPLES,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        default=False,
        help="rewrite the expected files of tests/golden; review the diff",
    )
