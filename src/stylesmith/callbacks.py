"""Types of the functions that long work calls while it runs."""

from collections.abc import Callable

ProgressCallback = Callable[[int, int], None]
"""Called with the amount done and the total: images, optimization steps or bytes."""

Notify = Callable[[str], None]
"""Called with one line of text for the user."""
