"""The same as env.pl, where there is no perl: `python -I -S -B -X utf8 env.py FILE COMMAND [ARGUMENT ...]`."""

import os
import sys


def main() -> None:
    file, *command = (os.fsencode(word) for word in sys.argv[1:])
    try:
        with open(file, "rb") as pairs:  # noqa: PTH123  # pathlib would double the start-up time
            text = pairs.read()
        os.unlink(file)  # noqa: PTH108
    except OSError as error:
        fail(f"its secrets cannot be read: {error.strerror}", 126)
    for pair in text.split(b"\0"):
        name, sign, value = pair.partition(b"=")
        if sign:
            os.environb[name] = value
    try:
        os.execvp(command[0], command)
    except OSError as error:
        fail(f"cannot run {os.fsdecode(command[0])}: {error.strerror}", 127 if error.errno == 2 else 126)


def fail(reason: str, code: int) -> None:
    os.write(2, f"orchestra: {reason}\n".encode(errors="surrogateescape"))
    sys.exit(code)


if __name__ == "__main__":
    main()
