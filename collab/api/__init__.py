"""The JSON door: /api/v1, bearer tokens, problem JSON. See docs/api.md."""

from collab.api import around, items, spaces
from collab.api.door import bp

__all__ = ["around", "bp", "items", "spaces"]
