"""Sealed texts, by the name that migrations know them by: see accounts/sealing.py."""

from accounts.sealing import SealedField, seal, unseal

__all__ = ["SealedField", "seal", "unseal"]
