"""Start Chatbox from a clone, and the entry of the executable: ``python chatbox.py [command]``."""

import sys

from chatbox.frozen import die_with_parent

if __name__ == "__main__":
    die_with_parent()  # before the imports of the command line, which take most of a start

    from chatbox.cli import main

    sys.exit(main())
