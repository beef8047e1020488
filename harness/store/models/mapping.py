"""How Python's types are stored, and what keys, indexes and checks are called."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, MetaData
from sqlalchemy.orm import DeclarativeBase

from harness.store.types import PlainText, UtcTime

DOCUMENT = JSON(none_as_null=True)
"""Nothing is stored as NULL, and not as the text `null`."""


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        dict[str, Any]: DOCUMENT,
        list[str]: DOCUMENT,
        str: PlainText,
        datetime: UtcTime,
    }
