"""The command ``python -m mundur``: what is installed, and where to go on."""

from __future__ import annotations

import mundur as md


def main() -> int:
    """Print a page; 0."""
    threads = md.get_num_threads()
    print(
        f"mundur {md.__version__} trains neural networks on this CPU: {md.isa()} instructions, "
        f"{threads} thread{'' if threads == 1 else 's'}.\n"
        "\n"
        "python -m mundur.examples.digits  learns handwritten digits: a model, its curves, a file\n"
        "python -m mundur.examples         lists the other examples\n"
        "python -m mundur.playground       shows a small network while it trains, in a browser\n"
        "python -m mundur.reference        is the way into a textbook of it, in plain Python\n"
        "python -m mundur.selftest         tells whether the bits are those of all other machines\n"
        "\n"
        "In Python help(mundur.Model) shows a whole training."
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
