"""Chatbox as a service of this computer: `chatbox service install`, `remove` and `status`."""
