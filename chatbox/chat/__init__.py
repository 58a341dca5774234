"""The use cases: the only place where rules, store, hub and bus meet."""
