"""HTTP and WebSocket. Tornado lives here and nowhere else but the roof."""
