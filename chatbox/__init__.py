"""Chatbox: a chat server for a local network, in one process and one file."""
