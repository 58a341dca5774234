"""What tests from outside share: the server as a process, foreign clients, a mirror of what one knows."""
