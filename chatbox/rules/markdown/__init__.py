"""The Markdown of messages: markdown-it-py, its grammar cut down to chat, its tokens made into parts."""
