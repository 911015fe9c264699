"""OpenDocument text by odfdo: what people open to work on a document further."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import count
from typing import Any

from odfdo import (
    Document,
    DrawImage,
    Element,
    Frame,
    Header,
    LineBreak,
    Link,
    List,
    ListItem,
    Paragraph,
    Span,
    Table,
    VarPageCount,
    VarPageNumber,
)  # fmt: skip

from collab.core.paper.reading import Block, Run
from collab.core.paper.square import picture

TEXT = {
    "strong": 'fo:font-weight="bold" style:font-weight-complex="bold"',
    "em": 'fo:font-style="italic" style:font-style-complex="italic"',
    "code": 'style:font-name="DejaVu Sans Mono" fo:background-color="#eee5d3"',
    "struck": 'style:text-line-through-style="solid"',
    "under": 'style:text-underline-style="solid"',
    "mark": 'fo:background-color="#ffe39a"',
    "sub": 'style:text-position="sub 58%"',
    "sup": 'style:text-position="super 58%"',
}
"""What each mark of a run looks like; a run of several marks is in spans inside each other."""
START = 'fo:margin-bottom="0.25cm" fo:line-height="125%"'
PARAGRAPHS = {
    "Body": (START, ""),
    "Soft": ('fo:margin-bottom="0.3cm"', 'fo:color="#59525f"'),
    "Name": ('fo:margin-bottom="0.3cm"', 'fo:font-size="26pt" fo:font-weight="bold"'
             ' style:font-size-complex="28pt" style:font-weight-complex="bold"'),
    "Quote": (f'{START} fo:margin-left="0.6cm" fo:border-left="0.06cm solid #d1922a" '
              'fo:padding-left="0.3cm"', ""),
    "Inset": (f'{START} fo:margin-left="0.8cm"', ""),
    "Fixed": ('fo:background-color="#f5efe2" fo:padding="0.15cm"',
              'style:font-name="DejaVu Sans Mono" fo:font-size="9pt"'),
    "Rule": ('fo:border-bottom="0.02cm solid #dbcfb8" fo:margin-bottom="0.4cm"', ""),
    "Cell": ('fo:padding="0.05cm"', ""),
}  # fmt: skip
GRID = (
    '<style:style style:name="Grid" style:family="table-cell"><style:table-cell-properties'
    ' fo:border-bottom="0.02cm solid #dbcfb8" fo:padding="0.1cm"/></style:style>'
)
LEVEL = (
    '<style:list-level-properties text:list-level-position-and-space-mode="label-alignment">'
    '<style:list-level-label-alignment text:label-followed-by="listtab" fo:text-indent="-0.6cm"'
    ' fo:margin-left="{:.1f}cm"/></style:list-level-properties>'
)
LISTS = {
    "Dots": '<text:list-level-style-bullet text:level="{0}" text:bullet-char="•">{1}'
    "</text:list-level-style-bullet>",
    "Figures": '<text:list-level-style-number text:level="{0}" style:num-format="1"'
    ' style:num-suffix=".">{1}</text:list-level-style-number>',
}
TURNED = (
    '<style:style style:name="Turned" style:family="table">'
    '<style:table-properties style:writing-mode="rl-tb"/></style:style>'
)
_NUMBERS = count(1)
"""Each table has a name of its own; one process makes one file."""
COUNTRIES = {"fr": "FR", "en": "GB", "ar": "MA"}


def odt_of(data: dict[str, Any]) -> bytes:
    """The document as an OpenDocument text file."""
    file = Document("text")
    file.body.clear()
    _dress(file, data["lang"].split("-")[0], data["dir"])
    _name(file, data)
    file.body.append(_paragraph([{"s": data["title"], "m": []}], "Name", data["dir"]))
    for words in (data["description"], data["byline"]):
        if words:
            file.body.append(_paragraph([{"s": words, "m": []}], "Soft", data["dir"]))
    for block in data["blocks"]:
        for element in _elements(block, "Body"):
            file.body.append(element)
    _ending(file, data)
    out = io.BytesIO()
    file.save(out)
    return out.getvalue()


def _name(file: Document, data: dict[str, Any]) -> None:
    meta, by = file.meta, ", ".join(data["authors"])
    meta.title, meta.language, meta.subject = data["title"], data["lang"], data["space"]
    meta.initial_creator = by
    meta.creator = by
    meta.description = data["description"]


def _dress(file: Document, spoken: str, turned: str) -> None:
    """Styles, the language of all text, and page numbers below."""
    for name, look in TEXT.items():
        made = f'<style:style style:name="{name}" style:family="text">'
        file.insert_style(f"{made}<style:text-properties {look}/></style:style>", automatic=True)
    for name, (lines, letters) in PARAGRAPHS.items():
        for way, mode, side in (("ltr", "lr-tb", "left"), ("rtl", "rl-tb", "right")):
            file.insert_style(
                f'<style:style style:name="{name}-{way}" style:family="paragraph"'
                ' style:parent-style-name="Standard">'
                f'<style:paragraph-properties {lines} style:writing-mode="{mode}"'
                f' fo:text-align="{side}"/>'
                f"<style:text-properties {letters}/></style:style>",
                automatic=True,
            )
    for style in (GRID, TURNED):
        file.insert_style(style, automatic=True)
    for name, level in LISTS.items():
        levels = "".join(level.format(n, LEVEL.format(0.8 * n)) for n in range(1, 10))
        made = f'<text:list-style style:name="{name}">{levels}</text:list-style>'
        file.insert_style(made, automatic=True)
    _heads(file)
    _speak(file, spoken)
    page = file.get_style("master-page", "Standard")
    number = Paragraph(style=f"Cell-{turned}")
    for part in (VarPageNumber(), " / ", VarPageCount()):
        number.append(part)
    page.set_page_footer(number)  # type: ignore[union-attr]


def _speak(file: Document, spoken: str) -> None:
    """The language of all text; no numbers before headings."""
    styles = file.get_part("styles.xml").root  # type: ignore[union-attr]
    for level_style in styles.get_elements("//text:outline-level-style"):
        level_style.set_attribute("style:num-format", "")
        level_style.set_attribute("style:num-suffix", "")
        level_style.del_attribute("loext:num-list-format")
    for properties in styles.get_elements("//style:default-style/style:text-properties"):
        properties.set_attribute("fo:language", spoken)
        properties.set_attribute("fo:country", COUNTRIES.get(spoken, "none"))
        properties.set_attribute("style:language-complex", "ar")
        properties.set_attribute("style:country-complex", "MA")


def _heads(file: Document) -> None:
    """Headings that run from right to left, as the others of their level look."""
    for level in range(1, 7):
        file.insert_style(
            f'<style:style style:name="Head-{level}-rtl" style:family="paragraph"'
            f' style:parent-style-name="Heading_20_{level}"><style:paragraph-properties'
            ' style:writing-mode="rl-tb" fo:text-align="right"/></style:style>',
            automatic=True,
        )


def _elements(block: Block, style: str) -> list[Element]:
    kind = block["t"]
    if kind == "para":
        return [_paragraph(block["runs"], style, block["dir"])]
    return WAYS[kind](block)


def _header(block: Block) -> list[Element]:
    level, turned = block["level"], block["dir"] == "rtl"
    head = Header(level)
    style = f"Head-{level}-rtl" if turned else f"Heading_20_{level}"
    head.set_attribute("text:style-name", style)
    return [_filled(head, block["runs"])]


def _within(style: str) -> Callable[[Block], list[Element]]:
    return lambda block: [made for inside in block["blocks"] for made in _elements(inside, style)]


def _fixed(block: Block) -> list[Element]:
    return [Paragraph(line, style="Fixed-ltr") for line in block["text"].split("\n")]


def _rule(_block: Block) -> list[Element]:
    return [Paragraph(style="Rule-ltr")]


def _list(block: Block) -> list[Element]:
    made = List(style="Figures" if block["ordered"] else "Dots")
    for number, inside in enumerate(block["items"]):
        item = ListItem()
        if block["ordered"] and not number and block["start"] != 1:
            item.set_attribute("text:start-value", str(block["start"]))
        for part in inside:
            for element in _elements(part, "Body"):
                item.append(element)
        made.append(item)
    return [made]


def _table(block: Block) -> list[Element]:
    table = Table(name=f"Table{next(_NUMBERS)}", width=block["columns"], height=len(block["rows"]))
    for y, row in enumerate(block["rows"]):
        for x, cell in enumerate(row):
            held = table.get_cell((x, y))
            held.style = "Grid"
            runs = [run | {"m": [*run["m"], "strong"]} if cell["head"] and "s" in run else run
                    for run in cell["runs"]]  # fmt: skip
            held.append(_paragraph(runs, "Cell", cell["dir"]))
            table.set_cell((x, y), held)
    if block["rows"][0][0]["dir"] == "rtl":
        table.set_attribute("table:style-name", "Turned")
    if block["head"]:
        first = table.get_elements("table:table-row")[0]
        heads = Element.from_tag("<table:table-header-rows/>")
        table.insert(heads, position=table.index(first))
        heads.append(first)
    words = [Paragraph(block["caption"], style="Body-ltr")] if block["caption"] else []
    return [*words, table]


WAYS: dict[str, Callable[[Block], list[Element]]] = {
    "heading": _header, "list": _list, "table": _table, "code": _fixed, "rule": _rule,
    "quote": _within("Quote"), "inset": _within("Inset"),
}  # fmt: skip
"""How each kind of block is written; paragraphs depend on what they stand in."""


def _paragraph(runs: list[Run], style: str, turned: str) -> Element:
    return _filled(Paragraph(style=f"{style}-{turned}"), runs)


def _filled(element: Element, runs: list[Run]) -> Element:
    for run in runs:
        element.append(LineBreak() if run.get("br") else _run(run))
    return element


def _run(run: Run) -> Element:
    made = Span(run["s"])
    for mark in run["m"]:
        outer = Span(style=mark)
        outer.append(made)
        made = outer
    # An address inside the text has no place to lead to once the text is worked on.
    if not run.get("href") or run["href"].startswith("#"):
        return made
    link = Link(run["href"])
    link.append(made)
    return link


def _ending(file: Document, data: dict[str, Any]) -> None:
    """Where the document lives, with its square code."""
    file.body.append(Paragraph(style="Rule-ltr"))
    held = file.add_file(io.BytesIO(picture(data["address"])))
    frame = Frame(name="QR", size=("2.6cm", "2.6cm"), anchor_type="as-char")
    frame.append(DrawImage(f"{held}"))
    frame.append(Element.from_tag("<svg:title/>"))
    frame.get_element("svg:title").text = data["words"]["qr"]  # type: ignore[union-attr]
    ending = Paragraph(style=f"Soft-{data['dir']}")
    ending.append(frame)
    words = data["words"]
    runs: list[Run] = [
        {"br": True},
        {"s": words["online"] + " ", "m": ["strong"]},
        {"s": data["shown"], "m": [], "href": data["address"]}, {"br": True},
        {"s": words["taken"], "m": []},
    ]  # fmt: skip
    file.body.append(_filled(ending, runs))
