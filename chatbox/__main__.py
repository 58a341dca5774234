"""Start Chatbox by ``python -m chatbox [command]``."""

import sys

from chatbox.cli import main

if __name__ == "__main__":
    sys.exit(main())
