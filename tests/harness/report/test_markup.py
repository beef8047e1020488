"""XML holds whatever a container said, and can be parsed."""

from hypothesis import given
from hypothesis import strategies as st

from harness.report.markup import child, document, root
from tests.harness.parsed import parsed


@given(text=st.text(st.characters()), name=st.text(st.characters(exclude_categories=[])))
def test_any_text_can_be_parsed_again(text: str, name: str) -> None:
    outermost = root("all", name=name)
    child(outermost, "one", text, name=name)
    written = document(outermost)
    found = parsed(written)
    one = found[0]
    for got, had in ((one.text or "", text), (one.get("name"), name), (found.get("name"), name)):
        assert got is not None
        assert len(got) == len(had)
        pairs = zip(got, had, strict=True)
        assert all(x == y or x == "\N{REPLACEMENT CHARACTER}" for x, y in pairs)


def test_what_is_markup_elsewhere_is_text() -> None:
    outermost = root("all")
    child(outermost, "one", "]]><script>&", name='"<&>\n')
    found = parsed(document(outermost))
    assert (found[0].text, found[0].get("name")) == ("]]><script>&", '"<&>\n')
    assert len(found) == 1


def test_its_encoding_is_told_whatever_the_locale() -> None:
    assert document(root("all")) == '<?xml version="1.0" encoding="utf-8"?>\n<all />\n'
