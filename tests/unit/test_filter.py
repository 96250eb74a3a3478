"""Which records a job's filter lets through, and what it says of those on which it cannot decide."""

from __future__ import annotations

import json
from contextlib import suppress

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jmespath.exceptions import JMESPathError

from kafka.filter.conditions import Filter, HeaderCondition, Outcome
from kafka.filter.corrected import with_texts
from kafka.filter.errors import ExpressionRefused
from kafka.filter.expression import MAX_DEPTH, parse_expression
from kafka.filter.interpreter import Budget, EvaluationFailed, equal
from kafka.model.records import Header
from tests.support.jobs import record

words = st.text(max_size=12)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


def judged(conditions: Filter, headers: tuple[Header, ...] = (), key: bytes | None = None) -> Outcome:
    return conditions.judge(record(headers=headers, key=key))


def evaluated(expression: str, value: bytes | None) -> Outcome | str:
    """Return what becomes of a value, or why the expression cannot be evaluated on it."""
    try:
        return Filter(jmespath=expression).judge(record(value))
    except EvaluationFailed as error:
        return str(error)


@pytest.mark.parametrize(
    ("condition", "headers", "outcome"),
    [
        (HeaderCondition("h"), [("h", None)], Outcome.MATCHED),
        (HeaderCondition("h"), [("H", b"x")], Outcome.NOT_MATCHED),
        (HeaderCondition("h", absent=True), [], Outcome.MATCHED),
        (HeaderCondition("h", absent=True), [("h", None)], Outcome.NOT_MATCHED),
        (HeaderCondition("h", "last"), [("h", b"first"), ("h", b"last")], Outcome.MATCHED),
        (HeaderCondition("h", "first"), [("h", b"first"), ("h", b"last")], Outcome.NOT_MATCHED),
        (HeaderCondition("h", ""), [("h", None)], Outcome.NOT_MATCHED),
        (HeaderCondition("h", ""), [("h", b"")], Outcome.MATCHED),
        (HeaderCondition("h", "ä"), [("h", "ä".encode())], Outcome.MATCHED),
        (HeaderCondition("h", "x"), [], Outcome.NOT_MATCHED),
    ],
)
def test_condition_on_headers_holds_of_the_last_one(
    condition: HeaderCondition, headers: list[Header], outcome: Outcome
) -> None:
    """A header is there, is absent, or its last value is the one asked for; null is not empty."""
    assert judged(Filter(headers=(condition,)), tuple(headers)) is outcome


@pytest.mark.parametrize(("key", "holds"), [(b"k", True), (b"", False), (None, False), (b"K", False), (b"\xff", False)])
def test_key_is_compared_as_bytes(key: bytes | None, *, holds: bool) -> None:
    """A key equals a text if it is the text's UTF-8; null equals none."""
    assert judged(Filter(key="k"), key=key) is (Outcome.MATCHED if holds else Outcome.NOT_MATCHED)
    assert judged(Filter(key=""), key=None) is Outcome.NOT_MATCHED


def test_copies_are_left_out_unless_asked_for() -> None:
    """A record that carries a consumer_key most often is a copy itself, whatever that names."""
    assert judged(Filter(), (("consumer_key", None),)) is Outcome.ALREADY_RESENT
    assert judged(Filter(include_resent=True), (("consumer_key", None),)) is Outcome.MATCHED


def test_headers_that_cannot_be_read_are_taken_to_meet_their_conditions() -> None:
    """Such a record is told as one that could not be resent, but only where all else selects it."""
    asked = Filter(key="k", headers=(HeaderCondition("h"),))
    assert asked.judge(record(key=b"k"), headers_known=False) is Outcome.MATCHED
    assert asked.judge(record(key=b"other"), headers_known=False) is Outcome.NOT_MATCHED


@pytest.mark.parametrize(
    ("expression", "value", "matches"),
    [
        ("a", b'{"a": 0}', True),
        ("a", b'{"a": false}', False),
        ("a", b'{"a": null}', False),
        ("a", b'{"a": ""}', False),
        ("a", b'{"a": []}', False),
        ("a", b'{"a": {}}', False),
        ("a", b'{"a": [null]}', True),
        ("a", b"{}", False),
        ("a > `1`", b'{"a": 2}', True),
        ("a > `1`", b"{}", False),
        ("a > `1`", b'{"a": true}', False),
        ("a == `1`", b'{"a": true}', False),
        ("a == `[1]`", b'{"a": [true]}', False),
        ("a == `1`", b'{"a": 1.0}', True),
        ('a == `{"b": [1, {}]}`', b'{"a": {"b": [1, {}]}}', True),
        ("contains(a, `[2]`)", b'{"a": [1, [2]]}', True),
        ("contains(a, `2`)", b'{"a": "2"}', False),
        ("to_number(a) > `5`", b'{"a": "7.5"}', True),
        ("to_number(a)", b'{"a": "NaN"}', False),
        ("to_number(a)", b'{"a": "1_000"}', False),
        ("to_number(a)", b'{"a": "-Infinity"}', False),
        ("!(a || b) && c", b'{"c": 1}', True),
        (" || ".join(f"id == '{number}'" for number in range(250)), b'{"id": "249"}', True),
        (" && ".join(f"id != '{number}'" for number in range(250)), b'{"id": "249"}', False),
        ("|".join(["@"] * 2000), b"5", True),
    ],
)
def test_expression_matches_where_it_is_true_as_jmespath_has_it(
    expression: str, value: bytes, *, matches: bool
) -> None:
    """False, null and what is empty are false, 0 is true; a boolean is no number, at any depth."""
    assert evaluated(expression, value) is (Outcome.MATCHED if matches else Outcome.NOT_MATCHED)


NOT_ORDERED = "orders by numbers or by strings, not by"

NOT_JSON = [
    b"",
    b" ",
    b"not JSON",
    b"NaN",
    b'{"a": NaN}',
    b'{"a": Infinity}',
    b'{"a": -Infinity}',
    b"\xef\xbb\xbf{}",
    '{"a": 1}'.encode("utf-16"),
    '{"a": 1}'.encode("utf-16-le"),
    '{"a": 1}'.encode("utf-32"),
    b'{"a": "\xff"}',
    b'{"a": "\x01"}',
    b'{"a": 01}',
    b'{"a": .5}',
    b'{"a": 1,}',
    b"{'a': 1}",
    b'{"a": 1} x',
    b"\xa0{}",
]
"""Not JSON for JSON.parse either, with which the console decides; tests of the console use the list as well."""


@pytest.mark.parametrize("value", [None, *NOT_JSON])
def test_value_that_is_not_json_is_told_from_one_that_does_not_match(value: bytes | None) -> None:
    """UTF-8 only, without a byte order mark, and no number that JSON does not have."""
    assert evaluated("@ || !@", value) is Outcome.NOT_JSON


JSON = [
    b'{"a": 1e400}',
    b'{"a": ' + b"9" * 5000 + b"}",
    b'{"a": -' + b"9" * 5000 + b"}",
    b' \t\r\n{"a": "\\ud800"} ',
    b'{"a": 1, "a": 2}',
    b"5",
    b'"x"',
    b"null",
    b'{"a": -0}',
    '{"ä": "\u2028"}'.encode(),
]
"""JSON for JSON.parse as well."""


@pytest.mark.parametrize("value", JSON)
def test_value_that_is_json_is_evaluated(value: bytes) -> None:
    """Also one with numbers that Python does not convert by itself."""
    assert evaluated("@ || !@", value) is Outcome.MATCHED


def test_number_of_more_digits_than_python_converts_is_larger_than_all_others() -> None:
    """It is compared as infinite; whether two of them are equal cannot be told, and is not guessed."""
    value = b'{"a": ' + b"9" * 5000 + b', "b": ' + b"8" * 5000 + b"}"
    assert evaluated("a > `1e308`", value) is Outcome.MATCHED
    assert evaluated("a == `5`", value) is Outcome.NOT_MATCHED
    assert evaluated("a == b", value) == "it compares numbers that are too large to be told apart"


@pytest.mark.parametrize(
    ("expression", "value", "reason"),
    [
        ("length(a)", b'{"a": 5}', "length() takes string or array or object, not number"),
        ("sort(@)", b'[1, "secret"]', "sort() takes array of strings or array of numbers, not string"),
        ("max_by(@, &a)", b'[{"a": 1}, {"a": "secret"}]', f"max_by() {NOT_ORDERED} number and string"),
        ("sort_by(@, &a)", b'[{"a": null}]', f"sort_by() {NOT_ORDERED} null"),
        ("a > `1`", b'{"a": "2"}', "it compares a string with a number"),
        ("ceil(a)", b'{"a": 1e400}', "ceil() meets a number that is too large"),
        ("sum(@) > `1`", b"[1e400, -1e400]", "sum() has no result: infinite less infinite"),
        ("to_string(@)", b"[1e400]", "to_string() meets a number that is too large"),
        ("a", b"[" * 100_000, "the value is nested too deeply"),
        ("a", b"[" * 100_000 + b"]" * 100_000, "the value is nested too deeply"),
        ("to_string(@)", b"[" * 400 + b"]" * 400, Outcome.MATCHED),
        ("@ == @", b"[" * 400 + b"]" * 400, Outcome.MATCHED),
    ],
)
def test_expression_that_cannot_be_evaluated_says_why_and_nothing_of_the_value(
    expression: str, value: bytes, reason: str | Outcome
) -> None:
    """That is another thing than not to match, and record contents stay out of it."""
    assert evaluated(expression, value) == reason


@given(st.binary(max_size=40) | values.map(json.dumps).map(str.encode))
def test_expression_ends_no_job_on_any_value(value: bytes) -> None:
    """One odd record is counted, and that is all."""
    expression = "sort_by(@, &a)[?b > `1`] | sum(@[].c) || ceil(@)"
    assert isinstance(evaluated(expression, value), Outcome | str)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("", "empty"),
        ("a b", "Unexpected token"),
        ("foo(", "Incomplete"),
        ("status = 'x'", "Unknown token"),
        ("(" * 4000, "nested too deeply"),
        ("!" * 4000, "nested too deeply"),
        ("`" + "[" * 3000 + "]" * 3000 + "`", "more than 4096 characters"),
        ("`" + "[" * 2000 + "]" * 2000 + "`", "nested too deeply"),
        ("a" + "[]" * 2000, f"nested more than {MAX_DEPTH} levels"),
        ("lenght(@) > `0`", "no function lenght()"),
        ("foo(value)", "no function foo()"),
        ("items[?lenght(@) > `0`]", "no function lenght()"),
        ("length(a, b)", "length() takes 1 argument, not 2"),
        ("contains(a)", "contains() takes 2 arguments, not 1"),
        ("not_null()", "not_null() takes at least 1 argument, not 0"),
        ("abs('x')", "argument 1 of abs() is string, and has to be number"),
        ("ceil(a > b)", "argument 1 of ceil() is boolean or null, and has to be number"),
        ("starts_with(a, `5`)", "argument 2 of starts_with() is number, and has to be string"),
        ("sort_by(@, name)", "argument 2 of sort_by() is a value, and has to be an expression with '&'"),
        ("map(@, &a)", "argument 1 of map() is a value"),
        ("&a", "'&' is outside"),
        ("[&a]", "'&' is outside"),
        ("not_null(&a)", "argument 1 of not_null() is an expression with '&'"),
        ("length(@) == '5'", "'==' compares number with string"),
        ("a > `true`", "'>' compares a value with boolean"),
        ("a[::0]", "the step of a slice is 0"),
        ("a == `NaN`", "a literal is NaN"),
        ("a < `1e400`", "a number that is too large"),
    ],
)
def test_expression_that_cannot_work_is_refused(expression: str, reason: str) -> None:
    """Before there is a job, and with what is wrong."""
    with pytest.raises(ExpressionRefused) as caught:
        parse_expression(expression)
    assert reason in str(caught.value)


@pytest.mark.filterwarnings("ignore:deprecated string literal syntax")
@given(st.text("ab0.[]*?&|!=<>(),:{}@`'\" -", max_size=30))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    """The parser fails in no other way."""
    with suppress(ExpressionRefused):
        parse_expression(text)


EXPRESSIONS = [
    "a", "a.b", "@", "[0]", "[-1]", "[1:]", "[::-1]", "[*]", "[*].a", "*", "*.a", "[]", "[][]", "a || b", "a && b",
    "!a", "a == b", "[?a == b]", "[?a].b", "[@, a]", "{x: a, y: @}", "a | b", "length(to_array(@))", "to_string(@)",
    "type(@)", "not_null(a, b, @)", "[*].to_string(@) | sort(@)", "[*].to_string(@) | join('-', @)",
    "sort_by([*].{k: to_string(@)}, &k)[].k", "max_by([*].{k: to_string(@)}, &k)", "min_by([*].{k: to_string(@)}, &k)",
    "map(&type(@), to_array(@))", "reverse(to_array(@))", "contains(to_array(@), `null`)",
]  # fmt: skip


@given(st.sampled_from(EXPRESSIONS), values)
def test_budget_changes_no_result(expression: str, value: object) -> None:
    """What the library finds is found, where booleans and numbers are not compared, which it gets wrong in lists."""
    if any(kind is bool for kind in map(type, leaves(value))):
        return
    checked = parse_expression(expression)
    try:
        expected = jmespath.search(expression, value)
    except JMESPathError:
        with pytest.raises(EvaluationFailed):
            checked.evaluate(value, Budget(100_000))
        return
    assert json.dumps(checked.evaluate(value, Budget(100_000))) == json.dumps(expected)


def leaves(value: object) -> list[object]:
    if isinstance(value, list | dict):
        parts = value.values() if isinstance(value, dict) else value
        return [leaf for part in parts for leaf in leaves(part)]
    return [value]


@given(values, values)
def test_values_are_equal_where_their_json_is(one: object, other: object) -> None:
    """A boolean is no number, and an int equals the float of the same value."""
    assert equal(one, one, Budget(1000))
    assert equal(one, other, Budget(1000)) is (canonical(one) == canonical(other))


def canonical(value: object) -> object:
    """Return a value that Python compares as JSON is compared."""
    if isinstance(value, list):
        return ["list", *map(canonical, value)]
    if isinstance(value, dict):
        return {name: canonical(part) for name, part in value.items()}
    return (isinstance(value, bool), value)


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ('status == "FAILED"', ("status", "FAILED")),
        ('a.b[?kind.name != "x"]', ("name", "x")),
        ("status == 'FAILED'", None),
        ("a || b", None),
    ],
)
def test_comparison_of_two_fields_is_found(expression: str, names: tuple[str, str] | None) -> None:
    """Double quotes name a field; most often a text was meant."""
    assert parse_expression(expression).compared_fields == names


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ('status == "FAILED"', "status == 'FAILED'"),
        ("status == FAILED", "status == 'FAILED'"),
        ('a.b != "it\'s" && c', "a.b != 'it\\'s' && c"),
        ('items[?state=="x" || state == y]', "items[?state=='x' || state == 'y']"),
        ("status == other.field", None),
        ("status == 'FAILED'", None),
        ("length(a) == b", None),
        ("a < `5`", None),
        ("a == `5` && b", None),
    ],
)
def test_expression_that_compares_two_names_was_probably_meant_otherwise(expression: str, meant: str | None) -> None:
    """What is proposed can be parsed, and compares with a text."""
    assert meant == with_texts(expression)
    if meant is not None:
        assert parse_expression(meant).compared_fields is None


@pytest.mark.parametrize(
    ("asked", "key", "holds"),
    [
        (Filter(key_prefix="or"), b"order", True),
        (Filter(key_prefix="or"), b"for", False),
        (Filter(key_prefix=""), None, False),
        (Filter(key_contains="de"), b"order", True),
        (Filter(key_contains="é"), "café".encode(), True),
        (Filter(key_contains="x"), b"\xff", False),
        (Filter(key_contains=""), None, False),
        (Filter(key_prefix="a", key_contains="b"), b"acb", True),
        (Filter(key_prefix="a", key_contains="b"), b"ac", False),
    ],
)
def test_key_starts_with_a_text_or_contains_it(asked: Filter, key: bytes | None, *, holds: bool) -> None:
    """All that is asked of a key has to hold; a null key has no text in it."""
    assert judged(asked, key=key) is (Outcome.MATCHED if holds else Outcome.NOT_MATCHED)
