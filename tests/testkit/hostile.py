"""Generated answers with characters and words that are special in shells, YAML, Jinja, XML, paths or C#."""

from hypothesis import strategies as st

_CHARACTERS = r""" a b z A 0 9 - _ . / \ ' " ` $ { } {{ }} {% %} {# #} $( ) ${X} ; & | < > : # , ! * ? [ ] ~ % @ ^ """
_WORDS = " é ١ ０ 中 🚀 no yes null 1e3 08 0x1f nul con com1 class System Microsoft xunit .. /tmp/ /run/ /etc/ sock "
_INVISIBLE = " \t\n\r\0\x1b\x7f\u00a0\u0301\u200b\u200f\u202e\u2028\ufeff"

HOSTILE = st.lists(
    st.one_of(st.sampled_from([*_CHARACTERS.split(), *_WORDS.split(), *_INVISIBLE]), st.characters()), max_size=12
).map("".join)
