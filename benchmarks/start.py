"""What a command costs before it does anything: `python -m benchmarks.start [--rounds 15]`.

Processor time of the whole process, on a socket without a server; beside it, how much of it is Python's own start.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile

COMMANDS = {
    "python -c pass": ("-c", "pass"),
    "orchestra --help": ("-m", "orchestra", "--help"),
    "orchestra version": ("-m", "orchestra", "version"),
    "orchestra status": ("-m", "orchestra", "status"),
    "orchestra diff FILE": ("-m", "orchestra", "diff", "manifests/quickstart.yaml"),
    "the daemon's modules": ("-c", "import orchestra.daemon.lifetime"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, words in COMMANDS.items():
            took = [_cost(words, folder) for _ in range(asked.rounds)]
            print(
                f"  {name:<22} median {statistics.median(took):6.0f}  least {min(took):6.0f} ms", flush=True
            )


def _cost(words: tuple[str, ...], folder: str) -> float:
    """Milliseconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environ = {"PATH": "/usr/bin:/bin", "HOME": folder, "TMUX_TMPDIR": folder, "LANG": "C.UTF-8"}
    subprocess.run([sys.executable, *words], env=environ, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


if __name__ == "__main__":
    main()
