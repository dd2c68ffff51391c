"""From a plan to what it says, on a live server."""
