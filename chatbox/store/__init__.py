"""Durable state: the port in `base`, SQLite below it, and one set of queries by noun."""
