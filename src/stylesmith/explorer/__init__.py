"""The browser explorer: a local server, and the page in `web/`. No tensors here.

A page sends scenes over one websocket and gets pictures back. It reads and writes no file of this
machine, and asks for nothing from outside.
"""

from stylesmith.explorer.server import serve

__all__ = ["serve"]
