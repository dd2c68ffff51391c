"""The same panes through libtmux, as a script would make them: SOCKET SESSIONS WINDOWS PANES COLUMNS ROWS COMMAND."""

import sys

import libtmux


def main(socket: str, sessions: int, windows: int, panes: int, columns: int, rows: int, command: str) -> None:
    server = libtmux.Server(socket_name=socket)
    for number in range(sessions):
        session = server.new_session(
            f"s{number}",
            start_directory="/",
            window_name="w0",
            window_command=command,
            x=columns,
            y=rows,
        )
        for place in range(windows):
            if place == 0:
                window = session.active_window
            else:
                window = session.new_window(
                    f"w{place}", start_directory="/", attach=False, window_shell=command
                )
            for _ in range(panes - 1):
                window.split(start_directory="/", shell=command)
                window.select_layout("tiled")


if __name__ == "__main__":
    _, socket, *numbers, command = sys.argv
    sessions, windows, panes, columns, rows = map(int, numbers)
    main(socket, sessions, windows, panes, columns, rows, command)
