"""Whatever is typed: an answer or an ElError, soon, and the same answer each time."""

from __future__ import annotations

import string

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.el.kit import SCOPE
from tests.examples import some

from arkwright.el import ElError, Evaluated, Missing, evaluate_expression, references, resolve, substitute
from arkwright.el.functions import BUILT_INS

METHODS = [
    (f"{built_in.name}.{method.name}", method.required, len(method.kinds) + (2 if method.further else 0))
    for built_in in BUILT_INS.values()
    for method in built_in.methods.values()
]
PROPERTIES = [f"{built_in.name}.{name}" for built_in in BUILT_INS.values() for name in built_in.properties]

LITERALS = st.one_of(
    st.integers(-(2**65), 2**65).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        ["true", "false", "null", "''", "'abc'", "'yyyy-MM-dd'", "'[[1,\"a\"]]'", "'a.b[0]'", "'2024-01-07'"]
    ),
    st.text(max_size=8).map(lambda content: '"' + content.replace("\\", "\\\\").replace('"', '\\"') + '"'),
    st.sampled_from(PROPERTIES),
)


def _larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["+", "-", "*", "/", "%", "==", "!=", "<", ">=", "&&", "||", " div ", " and ", " eq "])
    return st.one_of(
        st.tuples(inner, operators, inner).map("".join),
        st.tuples(inner, inner, inner).map(lambda parts: "({} ? {} : {})".format(*parts)),
        st.tuples(st.sampled_from(["-", "!", "not ", "empty "]), inner).map("".join),
        inner.map(lambda part: f"({part})"),
        st.tuples(inner, inner).map(lambda parts: "{}[{}]".format(*parts)),
        st.sampled_from(METHODS).flatmap(
            lambda entry: st.lists(inner, min_size=entry[1], max_size=entry[2]).map(
                lambda arguments: f"{entry[0]}({','.join(arguments)})"
            )
        ),
    )


EXPRESSIONS = st.recursive(LITERALS, _larger, max_leaves=12)
RELAXED = settings(max_examples=some(400), deadline=None, suppress_health_check=[HealthCheck.too_slow])


@given(EXPRESSIONS)
@RELAXED
def test_an_expression_of_the_grammar_has_an_answer_or_an_error(expression: str) -> None:
    outcomes = [_outcome(expression) for _ in range(2)]
    assert outcomes[0] == outcomes[1]
    match outcomes[0]:
        case Evaluated():
            outcomes[0].text.encode()
        case tuple():
            assert None not in outcomes[0]


def _outcome(expression: str) -> object:
    try:
        return evaluate_expression(expression, SCOPE)
    except ElError as error:
        return error.kind, error.message, error.position, error.expression


@given(
    st.text(st.sampled_from("#{}${}'\"\\ab1.()[]+?:,!&|<=é😀 \n"), max_size=40),
    st.dictionaries(st.just("a"), st.text()),
)
@RELAXED
def test_any_text_resolves_or_is_an_error(source: str, values: dict[str, str]) -> None:
    position: int | None = 0
    try:
        assert isinstance(resolve(source, values, SCOPE), Evaluated | Missing)
    except ElError as error:
        position = error.position
    assert position is None or 0 <= position <= len(source)


@given(st.text(string.printable, max_size=30), st.text(max_size=10))
@settings(max_examples=some(200), deadline=None)
def test_a_value_in_literal_text_arrives_unchanged(before: str, value: str) -> None:
    before = before.replace("#{", "").replace("${", "")
    before = before.rstrip("#$")
    result = resolve(before + "${a}", {"a": value}, SCOPE)
    assert isinstance(result, Evaluated)
    assert result.text == before + value
    assert substitute(before + "${a}", {"a": value}) == before + value
    assert references(before + "${a}") == ("a",)


@given(st.text(max_size=20))
@settings(max_examples=some(200), deadline=None)
def test_a_quoted_text_is_itself(content: str) -> None:
    escaped = content.replace("\\", "\\\\").replace("'", "\\'")
    result = evaluate_expression(f"'{escaped}'", SCOPE)
    assert isinstance(result, Evaluated)
    assert result.text == content


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1).filter(bool))
@settings(max_examples=some(200), deadline=None)
def test_division_and_remainder_belong_together(left: int, right: int) -> None:
    if abs(left // right) >= 2**63:
        return
    quotient = evaluate_expression(f"({left}) / ({right})", SCOPE)
    remainder = evaluate_expression(f"({left}) % ({right})", SCOPE)
    assert isinstance(quotient, Evaluated)
    assert isinstance(remainder, Evaluated)
    assert isinstance(quotient.value, int)
    assert isinstance(remainder.value, int)
    assert quotient.value * right + remainder.value == left
    assert remainder.value == 0 or (remainder.value < 0) == (left < 0)
