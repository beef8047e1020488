"""What neither database could hold, or look into, is replaced; everything else stays."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.store.text import document, storable


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("plain", "plain"),
        ("\U0001f525\ufffd", "\U0001f525\ufffd"),
        ("a\0b", "a\ufffdb"),
        ("\udcff\ud83d", "\\udcff\\ud83d"),
        ("\\u0000", "\\u0000"),
    ],
)
def test_text_and_documents_are_cleaned_alike(text: str, stored: str) -> None:
    assert storable(text) == stored
    deep: dict[str, Any] = {text: [{"x": [text, 1, None]}, (text,)]}
    assert json.loads(document(deep)) == {stored: [{"x": [stored, 1, None]}, [stored]]}


@given(st.text(st.characters(exclude_categories=())))
def test_what_is_stored_can_be_stored(text: str) -> None:
    kept = storable(text)
    assert kept.encode().decode() == storable(kept) == kept
    assert "\0" not in kept
    assert json.loads(document({"x": text})) == {"x": kept}


def test_a_document_is_json_in_the_order_of_its_names_or_as_it_is() -> None:
    assert document({"b": 1, "a": "é"}) == json.dumps({"b": 1, "a": "é"})
    assert document({"b": "\0", "a": 1}, sort_keys=True) == '{"a": 1, "b": "\\ufffd"}'
