"""What a person types into the search field, as an FTS5 query that cannot be anything else.

Every word is quoted, so no operator of FTS5 is reachable (https://www.sqlite.org/fts5.html, section 3.1);
SQLite's tokenizer splits what is inside the quotes, so `10.0.0.1` is found as a phrase.
"""

from __future__ import annotations

import re

_TERM = re.compile(r'"([^"]*)"?|(\S+)')
_WORD = re.compile(r"\w")
MAX_TERMS = 12


def fts_query(text: str) -> str | None:
    """The query for what was typed, all terms together; None where nothing can be searched for.

    A part in double quotes is a phrase. The last unquoted word also finds longer words.
    """
    terms: list[str] = []
    last_is_word = False
    for phrase, word in _TERM.findall(text)[:MAX_TERMS]:
        term = (phrase or word).replace('"', " ").replace("\0", " ")
        if _WORD.search(term):
            terms.append(f'"{term}"')
            last_is_word = bool(word)
    if terms and last_is_word:
        terms[-1] += "*"
    return " ".join(terms) or None
