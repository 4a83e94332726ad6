"""What Alembic runs for every command: the connection comes from `store.sql.migrate`."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="execmeta_version",
    # One transaction around all steps is begun and ended by `store.sql.migrate`.
    transactional_ddl=False,
)
context.run_migrations()
