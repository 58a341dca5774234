"""Tasks and connections: who listens, who writes, who is here. No HTTP, no SQL."""
