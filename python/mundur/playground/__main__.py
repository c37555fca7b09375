"""The command ``python -m mundur.playground``."""

from __future__ import annotations

import argparse
import sys
import threading
import webbrowser
from collections.abc import Sequence

from .server import HOST, listen

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page until Ctrl-C; 0, or 1 where the port is taken."""
    parser = argparse.ArgumentParser(
        prog="python -m mundur.playground",
        description="A page that shows a small network while it trains, on this machine alone.",
    )
    parser.add_argument("--port", type=_port, help="by default the first free one from 8765 on")
    parser.add_argument("--no-browser", action="store_true", help="opens no browser")
    options = parser.parse_args(arguments)
    try:
        server = listen(options.port)
    except OSError as error:
        told = f"--port: {HOST}:{options.port} cannot be had: {error.strerror}; --port 0 takes any"
        print(told, file=sys.stderr)
        return 1
    print(f"The playground is at {server.address}\nCtrl-C ends it.", flush=True)
    if not options.no_browser:
        # In a thread: a browser in the terminal would wait for the page here.
        threading.Thread(target=webbrowser.open, args=(server.address,), daemon=True).start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print("\nThe playground has ended.")
    finally:
        server.server_close()
    return 0


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value < 2**16:
        raise argparse.ArgumentTypeError(f"expected a port from 0 to 65535, got {text}")
    return value


if __name__ == "__main__":
    raise SystemExit(main())
