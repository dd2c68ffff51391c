"""What has become of a file that somebody watches."""

from __future__ import annotations

from enum import StrEnum


class Touch(StrEnum):
    ADDED = "added"
    MODIFIED = "modified"
    """Written, or another file is called so now."""
    DELETED = "deleted"
