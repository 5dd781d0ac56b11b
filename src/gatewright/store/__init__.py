"""The database: tables, migrations, queries, transactions. The only package that knows SQL.

:class:`~gatewright.store.database.Database` runs functions in transactions; the other modules hold the queries, one
module a table or a few that belong together, as functions on a :class:`~gatewright.store.transaction.Transaction`.
"""
