"""Secrets at rest: AES-GCM, with the key outside the database.

A stored secret carries the id of the key it was sealed with, and is bound to its place (table, row, column): a
ciphertext that is copied to another row does not open there.
"""

from gatewright.secrets.seal import Place, Sealer, SealError, load_key

__all__ = ["Place", "SealError", "Sealer", "load_key"]
