"""Patterns of RegexMatch, each with texts that it must and must not be found in."""

from __future__ import annotations

import pytest
from localazure.cosmos.query.regex import BudgetExceededError, PatternError, machine


@pytest.mark.parametrize(
    ("pattern", "flags", "found", "absent"),
    [
        ("abc", "", ["abc", "xabcx"], ["ab", "ABC", ""]),
        ("", "", ["", "x"], []),
        ("a|bc|", "", ["", "zzz"], []),
        ("^(a|bc)$", "", ["a", "bc"], ["ab", "abc", ""]),
        ("^a*$", "", ["", "aaa"], ["ab"]),
        ("^a+?b??$", "", ["a", "aab"], ["b", "abb"]),
        ("^a{2}$", "", ["aa"], ["a", "aaa"]),
        ("^a{2,}$", "", ["aa", "aaaa"], ["a"]),
        ("^a{1,2}$", "", ["a", "aa"], ["", "aaa"]),
        ("^a{0}$", "", [""], ["a"]),
        ("a{,2}", "", ["a{,2}"], ["aa"]),
        ("a{x}", "", ["a{x}"], ["a"]),
        (".", "", ["a", " "], ["\n", ""]),
        (".", "s", ["\n"], [""]),
        (r"^\d\D\w\W\s\S$", "", ["1a_-\tb", "0 9.\n!"], ["aa_- b", "1a.- b"]),
        (r"\.\*\(\)\[\]\\", "", [".*()[]\\"], ["x"]),
        (r"\n\r\t\f\v\0\a\e", "", ["\n\r\t\f\v\0\a\x1b"], ["nrt"]),
        (r"\x41\u00e9\x{1F600}", "", ["Aé😀"], ["A"]),
        ("[abc]", "", ["b"], ["d", ""]),
        ("[^abc]", "", ["d", "\n"], ["a", ""]),
        ("[a-c-]", "", ["b", "-"], ["d"]),
        ("[]a]", "", ["]", "a"], ["b"]),
        ("[^]a]", "", ["b"], ["]", "a"]),
        (r"^[\d\-x]$", "", ["5", "-", "x"], ["d"]),
        (r"^[\x41-\x43]$", "", ["B"], ["D"]),
        (r"^[+-\.]$", "", ["-", "."], ["/"]),
        (r"^[\b]$", "", ["\b"], ["b"]),
        (r"^[^\s\D]$", "", ["7"], ["a", " "]),
        ("[a-z]", "i", ["Q"], ["1"]),
        ("[^a-z]", "i", ["1"], ["Q", "q"]),
        ("STRASSE", "i", ["strasse"], ["stra"]),
        (r"\bcat\b", "", ["cat", "a cat!"], ["cats", "concat"]),
        (r"\Bcat", "", ["concat"], ["cat"]),
        ("^b$", "m", ["a\nb\nc"], ["ab"]),
        ("^b$", "", ["b", "b\n"], ["a\nb", "b\n\n"]),
        (r"\Ab\Z", "m", ["b", "b\n"], ["a\nb"]),
        (r"b\z", "", ["ab"], ["b\n"]),
        ("(?:ab)+c", "", ["ababc"], ["ac"]),
        ("(?<year>[0-9]{4})-(?P<month>[0-9]{2})", "", ["2026-01"], ["26-01"]),
        ("(?'q'a)b", "", ["ab"], ["b"]),
        ("(?i)abc", "", ["ABC"], ["AB"]),
        ("(?is)a.c", "", ["A\nC"], ["ac"]),
        ("a(?=b)", "", ["ab"], ["ac", "a"]),
        ("a(?!b)", "", ["ac", "a"], ["ab"]),
        ("(?<=a+)b", "", ["aab"], ["cb", "b"]),
        ("(?<!a)b", "", ["cb", "b"], ["ab"]),
        ("^(?=.*[A-Z])(?=.*[0-9]).{4,}$", "", ["abC1"], ["abc1", "aC1"]),
        ("(?=a(?!b))a", "", ["ac"], ["ab"]),
        (" a b # comment\n c", "x", ["abc"], ["a b c"]),
        (r"a\ b#", "x", ["a b"], ["ab"]),
        ("(a*)*b", "", ["aab", "b"], ["aaa"]),
        ("()*", "", ["", "a"], []),
    ],
)
def test_a_pattern_is_found_where_it_should_be(pattern: str, flags: str, found: list[str], absent: list[str]) -> None:
    compiled = machine(pattern, flags)
    assert [text for text in found if not compiled.search(text)] == []
    assert [text for text in absent if compiled.search(text)] == []


@pytest.mark.parametrize(
    ("pattern", "flags"),
    [
        ("(", ""),
        (")", ""),
        ("(a", ""),
        ("a)", ""),
        ("[a", ""),
        ("*", ""),
        ("a**", ""),
        ("a++", ""),
        ("a{2,1}", ""),
        ("[z-a]", ""),
        ("\\", ""),
        (r"(a)\1", ""),
        (r"\p{L}", ""),
        (r"\xZZ", ""),
        (r"\x{110000}", ""),
        ("(?>a)", ""),
        ("(?<1>a)", ""),
        ("(" * 50 + ")" * 50, ""),
        ("a", "g"),
    ],
)
def test_a_malformed_or_unsupported_pattern_is_refused(pattern: str, flags: str) -> None:
    with pytest.raises(PatternError):
        machine(pattern, flags)


@pytest.mark.parametrize("pattern", ["(a+)+$", "^(a|a)*$", "(a|aa)+$", "^(([a-z])+.)+[A-Z]([a-z])+$", "(.*a){12}$"])
def test_patterns_that_ruin_a_backtracking_matcher_are_decided(pattern: str) -> None:
    assert machine(pattern, "").search("a" * 60 + "!") is False


@pytest.mark.parametrize("pattern", ["(a{1000}){1000}", "(){999999999}", "((?=a{900}){90}){90}"])
def test_a_pattern_that_unfolds_too_far_is_refused(pattern: str) -> None:
    with pytest.raises(BudgetExceededError):
        machine(pattern, "")


def test_a_search_beyond_the_budget_is_given_up() -> None:
    with pytest.raises(BudgetExceededError):
        machine("(a|a)*b", "").search("a" * 200_000)
