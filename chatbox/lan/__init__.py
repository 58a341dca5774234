"""This machine on its network."""
