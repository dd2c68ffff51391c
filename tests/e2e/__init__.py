"""The CLI and the daemon as a user runs them, and every file of manifests/."""
