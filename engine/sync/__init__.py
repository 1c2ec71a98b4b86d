"""Synchronisation of several views through one canonical space."""
