"""The playground: a page on this machine that shows a small network while it trains.

    python -m mundur.playground

The page is plain HTML, CSS and JavaScript out of this package, served on 127.0.0.1 alone; nothing
is downloaded. What trains is the native core, so the Python code that the page gives away trains
the same model to the bit.
"""

__all__: list[str] = []
