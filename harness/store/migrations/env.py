"""Alembic's entry: migrates the connection that `harness.store.migrate` hands over."""

from alembic import context

from harness.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
context.run_migrations()
