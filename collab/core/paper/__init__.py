"""What is printed or taken along: PDF by Typst, ODT by odfdo, EPUB by EbookLib.

`press` is what the rest of the house calls. The work is done in a process of its own
(`python -m collab.core.paper`), which has little memory, little time and nothing to read but the
forms of this folder: no part of somebody's text can hold up the server, name a file of this
machine, or make it ask another one for anything.
"""
