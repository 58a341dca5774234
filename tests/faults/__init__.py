"""Reliability, from outside: the real server as a process, foreign clients, things that go wrong."""
