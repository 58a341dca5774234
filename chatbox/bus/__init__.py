"""From node to node: what was committed, to those who listen."""
