"""The version of Chatbox, by https://semver.org; the only place that names it."""

VERSION = "0.1.0"
