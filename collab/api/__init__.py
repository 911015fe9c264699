"""The JSON door: /api/v1, bearer tokens, problem JSON. See docs/api.md."""

from collab.api import around, exclusions, items, reports, search, spaces
from collab.api.door import bp
from collab.api.openapi import bp as openapi

__all__ = ["around", "bp", "exclusions", "items", "openapi", "reports", "search", "spaces"]
