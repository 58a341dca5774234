"""The language of the wire: commands in, replies and events out. Pure: bytes to values and back."""
