"""``StringUtil``: the static methods of Apache Commons Lang 3 StringUtils, gathered from the files by their noun.

Not here are those that need what an expression doesn't have: bytes, character sets, locales and suppliers
(``getBytes``, ``toEncodedString``, ``toString``, ``valueOf``, ``getFuzzyDistance``, ``getIfBlank``, ``getIfEmpty``).
Null in gives null out wherever it does so in Commons Lang.
"""

from __future__ import annotations

from typing import Final

from arkwright.el.functions import string_changes, string_checks, string_parts, string_replace, string_search
from arkwright.el.functions.signature import BuiltIn

STRING_UTIL: Final = BuiltIn(
    name="StringUtil",
    methods={
        **string_changes.LIBRARY.methods,
        **string_checks.LIBRARY.methods,
        **string_parts.LIBRARY.methods,
        **string_replace.LIBRARY.methods,
        **string_search.LIBRARY.methods,
    },
)
