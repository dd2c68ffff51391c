from __future__ import annotations

import contextlib
import resource

import pytest

from orchestra.host import inotify
from orchestra.model import errors


def test_where_there_are_no_more() -> None:
    """The user's limit and the process's own look the same."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(errors.OrchestraError, match="inotify"), contextlib.closing(inotify.Inotify()):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
