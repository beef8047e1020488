"""XML for other programs. Names and messages come out of containers: whatever they hold, what is
written can be parsed."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from harness.report.view import printable

_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'


def root(tag: str, **attributes: str) -> Element:
    """The outermost element; `xmlns` is an attribute like the others."""
    return Element(tag, _storable(attributes))


def child(parent: Element, tag: str, text: str | None = None, **attributes: str) -> Element:
    """A new last element of `parent`."""
    made = SubElement(parent, tag, _storable(attributes))
    made.text = None if text is None else plain(text)
    return made


def document(outermost: Element) -> str:
    """As a file in UTF-8 holds it, ending in a newline."""
    indent(outermost, " ")
    return _DECLARATION + tostring(outermost, encoding="unicode") + "\n"


def plain(text: str) -> str:
    """`text` without what XML 1.0 cannot hold (https://www.w3.org/TR/xml/#charsets), and without
    what does not print."""
    return printable(text, keep="\n\t")


def _storable(attributes: dict[str, str]) -> dict[str, str]:
    """Names with a `_` for the `-` that Python's cannot have."""
    return {name.replace("_", "-"): plain(value) for name, value in attributes.items()}
