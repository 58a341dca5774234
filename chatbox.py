"""Start Chatbox from a clone, and the entry of the executable: ``python chatbox.py [command]``."""

import sys

from chatbox.cli import main

if __name__ == "__main__":
    sys.exit(main())
