"""What tests from outside share: the server as a process, foreign clients, and a mirror of what a client knows."""
