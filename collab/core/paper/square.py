"""The square code (QR) that leads from paper to a page."""

from __future__ import annotations

import io

import segno


def drawing(address: str) -> str:
    """The code of an address as SVG, without a margin."""
    out = io.BytesIO()
    segno.make(address, error="m").save(out, kind="svg", border=0, xmldecl=False, nl=False)
    return out.getvalue().decode()


def picture(address: str) -> bytes:
    """The code of an address as PNG."""
    out = io.BytesIO()
    segno.make(address, error="m").save(out, kind="png", scale=8, border=2)
    return out.getvalue()
