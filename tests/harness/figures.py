"""Figures that a fault test has found, for the table of the run it belongs to."""

from __future__ import annotations

import json
import os
from pathlib import Path


def record(name: str, value: float, unit: str = "") -> None:
    """Print a figure, and keep it where CHATBOX_FIGURES names a file: one JSON object a line."""
    print(f"{name}: {value:,.6g} {unit}".rstrip())
    if path := os.environ.get("CHATBOX_FIGURES"):
        with Path(path).open("a") as file:
            file.write(json.dumps({"name": name, "value": value, "unit": unit}) + "\n")
