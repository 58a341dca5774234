"""Backups: what one holds, how it is written, checked, restored and kept."""
