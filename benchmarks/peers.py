"""Who else can make these panes, and how each is called. What is not on this machine is said and left out."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import shape as shapes
from benchmarks.shape import Shape
from benchmarks.stage import SOCKET, Stage

ROOT = Path(__file__).parent.parent
NO_WAIT = "orchestra --no-wait"
ORCHESTRA, TMUX, LIBTMUX, TMUXP, TMUXINATOR = "orchestra", "raw tmux", "libtmux", "tmuxp", "tmuxinator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    name: str
    version: str
    starting: tuple[str, ...]
    """Its shortest run, for the cost of starting."""
    create: Callable[[Stage, Shape], tuple[str, ...]]


def orchestra(*words: str) -> tuple[str, ...]:
    """As its console script does it, from the tree this file is in."""
    start = "import sys; from orchestra.cli.main import main; sys.exit(main())"
    return (sys.executable, "-c", start, "-L", SOCKET, *words)


OURS = {"PYTHONPATH": str(ROOT)}


def tmux(*words: str) -> tuple[str, ...]:
    return ("tmux", "-L", SOCKET, "-f", "/dev/null", *words)


def find(tell: Callable[[str], None], *, venv: bool) -> list[Peer]:
    """Raw tmux always; the others where they can be had. `venv`: tmuxp may be installed into one of its own."""
    peers = [Peer(name=TMUX, version=_said("tmux", "-V"), starting=("tmux", "-V"), create=_create_tmux)]
    if importlib.util.find_spec("libtmux") is None:
        tell("libtmux is not installed beside orchestra (make venv does it): left out")
    else:
        version = importlib.metadata.version("libtmux")
        start = (sys.executable, "-c", "import libtmux")
        peers.append(Peer(name=LIBTMUX, version=version, starting=start, create=_create_libtmux))
    tmuxp = _tmuxp(tell) if venv else None
    if tmuxp is not None:
        peers.append(
            Peer(
                name=TMUXP,
                version=_said(tmuxp, "--version").splitlines()[0],
                starting=(tmuxp, "--version"),
                create=lambda stage, shape: _create_tmuxp(tmuxp, stage, shape),
            )
        )
    if venv and shutil.which("tmuxinator") is None:
        tell("tmuxinator is not installed (on Debian: apt-get install tmuxinator): left out")
    elif venv:
        version = _said("tmuxinator", "version")
        peers.append(
            Peer(
                name=TMUXINATOR,
                version=version,
                starting=("tmuxinator", "version"),
                create=_create_tmuxinator,
            )
        )
    return peers


def _said(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()


def _tmuxp(tell: Callable[[str], None]) -> str | None:
    """Its program, in a virtual environment that is made once and kept among the user's caches."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(caches, "orchestra-bench", f"tmuxp-{sys.version_info.major}.{sys.version_info.minor}")
    program = folder / "bin" / "tmuxp"
    if not program.exists():
        tell("installing tmuxp into a virtual environment of its own")
        pip = (str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "tmuxp")
        try:
            for argv in ((sys.executable, "-m", "venv", "--clear", str(folder)), pip):
                subprocess.run(argv, check=True, capture_output=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            tell(f"tmuxp cannot be installed: left out ({type(error).__name__})")
            return None
    return str(program)


def _create_tmux(stage: Stage, shape: Shape) -> tuple[str, ...]:
    script = stage.write(f"tmux-{shape.total}.conf", shapes.tmux_commands(shape))
    return tmux("start-server", ";", "source-file", str(script))


def _create_libtmux(stage: Stage, shape: Shape) -> tuple[str, ...]:
    numbers = (shape.sessions, shape.windows, shape.panes, shapes.COLUMNS, shapes.ROWS)
    script = Path(__file__).parent / "with_libtmux.py"
    return (sys.executable, str(script), SOCKET, *map(str, numbers), " ".join(shapes.COMMAND))


def _create_tmuxp(program: str, stage: Stage, shape: Shape) -> tuple[str, ...]:
    files = _files(stage, f"tmuxp-{shape.total}", shapes.tmuxp_files(shape))
    return (program, "load", "-d", "-y", "-L", SOCKET, *files)


def _create_tmuxinator(stage: Stage, shape: Shape) -> tuple[str, ...]:
    """A session a call: it knows no other way."""
    files = _files(stage, f"tmuxinator-{shape.total}", shapes.tmuxinator_files(shape, SOCKET))
    return ("sh", "-ec", "\n".join(f"tmuxinator start -p {shlex.quote(file)}" for file in files))


def _files(stage: Stage, stem: str, texts: Iterable[str]) -> list[str]:
    return [str(stage.write(f"{stem}-{number}.yaml", text)) for number, text in enumerate(texts)]


def create_orchestra(stage: Stage, shape: Shape, *more: str, edited: bool = False) -> tuple[str, ...]:
    name = f"orchestra-{shape.sessions}-{shape.windows}-{shape.panes}{'-edited' if edited else ''}.yaml"
    return orchestra("apply", "--yes", *more, str(stage.write(name, shapes.manifest(shape, edited=edited))))
