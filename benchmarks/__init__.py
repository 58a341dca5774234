"""How fast Chatbox is, beside servers that store nothing: `make bench`, explained in docs/benchmarks.md."""
