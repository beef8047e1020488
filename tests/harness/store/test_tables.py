"""The tables that queries read without the mapped models are the models'."""

from sqlalchemy import create_engine, inspect

from harness.store import tables
from harness.store.models import Base
from harness.store.writer import Store


def test_every_column_is_there(store: Store, url: str) -> None:
    engine = create_engine(url)
    inspector = inspect(engine)
    for table in tables.ALL:
        there = {column["name"] for column in inspector.get_columns(table.name)}
        assert {column.name for column in table.columns} <= there
        if table.name in Base.metadata.tables:
            assert there == set(Base.metadata.tables[table.name].columns.keys())
    engine.dispose()
