"""Add a column to a large table without copying it: for migrations of tables that hold an archive."""

from __future__ import annotations

from typing import Any

from django.db.migrations import AddField


class AddColumn(AddField):
    """``AddField`` with a constant default, in a moment on SQLite as well.

    There Django copies the whole table for a column that may not be null: minutes for a million reports, each time.
    Here the default stays in the table's definition instead; Django, which writes every column, never needs it.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        connection = schema_editor.connection
        if connection.vendor != "sqlite" or not self.allow_migrate_model(connection.alias, model):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        field = model._meta.get_field(self.name)
        definition, _ = schema_editor.column_sql(model, field)
        check = field.db_parameters(connection)["check"]
        default = schema_editor.quote_value(schema_editor.effective_default(field))
        table, column = schema_editor.quote_name(model._meta.db_table), schema_editor.quote_name(field.column)
        checked = f" CHECK ({check})" if check else ""
        schema_editor.execute(f"ALTER TABLE {table} ADD COLUMN {column} {definition} DEFAULT {default}{checked}")
