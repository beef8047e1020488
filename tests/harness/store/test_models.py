"""The schema page explains every table and column, and no others."""

import re
from pathlib import Path

from harness.store.models import Base

PAGE = Path(__file__).parents[3] / "docs" / "schema.md"


def explained() -> dict[str, list[str]]:
    """Columns by table, as the page has them."""
    tables: dict[str, list[str]] = {}
    for section in PAGE.read_text().split("\n## ")[1:]:
        name = section.partition("\n")[0]
        tables[name] = re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE)
    return tables


def test_every_column_is_explained_in_order() -> None:
    models = {
        table.name: [column.name for column in table.columns]
        for table in Base.metadata.sorted_tables
    }
    assert explained() == models
