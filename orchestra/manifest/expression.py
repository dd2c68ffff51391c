"""Jinja2 expressions in a sandbox: no calls, no attributes, no loops, and every result bounded."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import jinja2
from jinja2 import nodes, runtime, sandbox, visitor

from orchestra.manifest import budget, fault, filters, limits, scalar
from orchestra.manifest.problem import listed, quoted
from orchestra.manifest.tree import UNKNOWN, Value

ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.List, nodes.Filter, nodes.Test,
    nodes.Keyword, nodes.If, nodes.CondExpr, nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand, nodes.Concat,
    nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos,
)  # fmt: skip
REFUSED: Mapping[type[nodes.Node], str] = {
    nodes.For: "loops", nodes.Call: "calls", nodes.Getattr: "attributes (`a.b`)", nodes.Getitem: "items (`a[b]`)",
    nodes.Pow: "powers", nodes.Macro: "macros", nodes.Assign: "assignments", nodes.AssignBlock: "assignments",
    nodes.Import: "imports", nodes.FromImport: "imports", nodes.Include: "includes", nodes.Dict: "maps", nodes.Tuple: "tuples",
}  # fmt: skip
TESTS = ("defined", "undefined", "none", "even", "odd", "number", "string", "boolean")
FORGIVING = frozenset({"default", "d", "defined", "undefined"})
"""What may stand behind a name that there is not."""


@dataclass(frozen=True, slots=True)
class Compiled:
    code: jinja2.Template
    whole: bool
    """The text is nothing but one expression, whose type is kept."""
    names: Mapping[str, int]
    """And how often they stand there."""
    forgiven: frozenset[str]


class Sandbox:
    """Compiles each text once and charges every evaluation."""

    def __init__(self, allowed: budget.Budget, opened: frozenset[str] = frozenset()) -> None:
        """`opened`: names whose fields may be read (`event.reason`)."""
        self._budget = allowed
        self._opened = opened
        self._environment = _Environment(allowed)
        self._compiled: dict[str, Compiled | fault.Faulty] = {}

    def evaluate(self, text: str, scope: Mapping[str, Value]) -> Value:
        """Raises fault.Faulty."""
        if text not in self._compiled:
            self._compiled[text] = self._compiled_or_faulty(text)
        compiled = self._compiled[text]
        if isinstance(compiled, fault.Faulty):
            raise compiled.with_traceback(None)
        self._budget.look_at(len(text))
        for name, times in compiled.names.items():
            if name not in scope and name not in compiled.forgiven:
                raise fault.undefined(name, scope)
            value = scope.get(name)
            if value is UNKNOWN:
                return UNKNOWN
            if isinstance(value, str):
                self._budget.look_at(len(value) * times)
        try:
            return self._result(compiled, scope)
        except fault.Faulty:
            raise
        except (jinja2.TemplateError, ArithmeticError, TypeError, ValueError, RecursionError) as failed:
            raise fault.Faulty(f"the template fails: {failed}") from failed

    def names(self, text: str) -> frozenset[str]:
        """Of the variables it speaks of. Raises fault.Faulty when it cannot be read."""
        compiled = self._compiled_or_faulty(text)
        if isinstance(compiled, fault.Faulty):
            raise compiled.with_traceback(None)
        return frozenset(compiled.names)

    def tokens(self, text: str) -> Iterator[tuple[str, str]]:
        """Kind and text; together they are the whole."""
        return ((kind, token) for _, kind, token in self._environment.lex(text))

    def _result(self, compiled: Compiled, scope: Mapping[str, Value]) -> Value:
        context = compiled.code.new_context(dict(scope))
        pieces = compiled.code.root_render_func(context)
        if compiled.whole:
            for _ in pieces:
                pass
            return _scalar(context.vars["result"])
        return "".join(self._bounded(pieces))

    def _bounded(self, pieces: Iterator[str]) -> Iterator[str]:
        length = 0
        for piece in pieces:
            length += len(piece)
            budget.refuse_long(length)
            yield piece

    def _compiled_or_faulty(self, text: str) -> Compiled | fault.Faulty:
        try:
            return self._compile(text)
        except fault.Faulty as wrong:
            return wrong

    def _compile(self, text: str) -> Compiled:
        self._budget.read(len(text))
        try:
            parsed = self._environment.parse(text)
            names, forgiven = self._checked(parsed)
            rewritten = _Concatenation().visit(parsed)
            whole = _whole(rewritten)
            if whole is not None:
                assign = nodes.Assign(nodes.Name("result", "store", lineno=1), whole, lineno=1)
                rewritten = nodes.Template([assign], lineno=1).set_environment(self._environment)
            code = self._environment.from_string(rewritten)
        except jinja2.TemplateSyntaxError as failed:
            hint = "for two braces write `{{ '{{' }}`"
            raise fault.Unreadable(f"the template cannot be read: {failed.message}", hint=hint) from failed
        except (RecursionError, MemoryError, SyntaxError) as failed:
            raise fault.Faulty("the template is nested too deeply") from failed
        return Compiled(code, whole is not None, names, forgiven)

    def _checked(self, parsed: nodes.Template) -> tuple[Mapping[str, int], frozenset[str]]:
        count = 0
        names: dict[str, int] = {}
        forgiven: set[str] = set()
        waiting: list[nodes.Node] = [parsed]
        while waiting:
            node = waiting.pop()
            count += 1
            if count > limits.TEMPLATE_NODES:
                raise fault.Faulty(f"the template has more than {limits.TEMPLATE_NODES} parts")
            if not self._reads_a_field(node):
                self._refuse_fields_of_others(node)
                _refuse_unknown(node)
            if (
                isinstance(node, nodes.Filter | nodes.Test)
                and node.name in FORGIVING
                and isinstance(node.node, nodes.Name)
            ):
                forgiven.add(node.node.name)
            if isinstance(node, nodes.Name):
                names[node.name] = names.get(node.name, 0) + 1
            waiting.extend(node.iter_child_nodes())
        self._budget.compile(count)
        return names, frozenset(forgiven)

    def _refuse_fields_of_others(self, node: nodes.Node) -> None:
        if not self._opened or not isinstance(node, nodes.Getattr) or not isinstance(node.node, nodes.Name):
            return
        if node.node.name not in self._opened:
            raise fault.Faulty(
                f"there is no {quoted(node.node.name)} that has fields",
                hint=f"only {listed(self._opened)} has any",
                word=node.node.name,
                among=tuple(self._opened),
            )

    def _reads_a_field(self, node: nodes.Node) -> bool:
        return (
            isinstance(node, nodes.Getattr)
            and isinstance(node.node, nodes.Name)
            and node.node.name in self._opened
            and not node.attr.startswith("_")
        )


class _Environment(sandbox.ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    intercepted_unops = frozenset({"+", "-"})

    def __init__(self, allowed: budget.Budget) -> None:
        # Shell lines are full of `{#` (`${#list}`), so nothing that can be written opens a comment.
        super().__init__(
            undefined=jinja2.StrictUndefined,
            comment_start_string="\0#",
            comment_end_string="#\0",
            keep_trailing_newline=True,
            optimized=False,
            finalize=_printed,
            cache_size=0,
            autoescape=False,
        )
        self.filters = {name: _charged(apply, allowed) for name, apply in filters.BY_NAME.items()}
        self.tests = {name: self.tests[name] for name in TESTS}
        self.globals = {}
        self._budget = allowed

    def call_binop(self, context: runtime.Context, operator: str, left: object, right: object) -> object:
        if operator == "*":
            budget.refuse_long(_product(left, right))
        if operator == "%" and isinstance(left, str):
            raise fault.Faulty(
                "text cannot be formatted with `%`", hint="write the values into the text: `{{ name }}`"
            )
        return _checked_result(self.binop_table[operator](left, right), self._budget)

    def call_unop(self, context: runtime.Context, operator: str, arg: object) -> object:
        return _checked_result(self.unop_table[operator](arg), self._budget)


class _Concatenation(visitor.NodeTransformer):
    """`a ~ b` as `a|string + b|string`: an operation that can be intercepted, and booleans as we print them."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:
        parts: list[nodes.Expr] = [
            nodes.Filter(self.visit(part), "string", [], [], None, None, lineno=node.lineno)
            for part in node.nodes
        ]
        return functools.reduce(lambda left, right: nodes.Add(left, right, lineno=node.lineno), parts)


def _refuse_unknown(node: nodes.Node) -> None:
    if not isinstance(node, ALLOWED):
        what = REFUSED.get(type(node), f"`{type(node).__name__.lower()}`")
        hint = "templates are expressions: variables, operators, filters and `if`"
        raise fault.Faulty(f"templates cannot use {what}", hint=hint)
    for kind, known in ((nodes.Filter, filters.BY_NAME), (nodes.Test, TESTS)):
        if isinstance(node, kind) and node.name not in known:
            what = f"{kind.__name__.lower()} {quoted(node.name)}"
            raise fault.Faulty(
                f"there is no {what}",
                hint=f"there are {listed(known, most=30)}",
                word=node.name,
                among=tuple(known),
            )


def _whole(parsed: nodes.Template) -> nodes.Expr | None:
    match parsed.body:
        case [nodes.Output(nodes=[nodes.TemplateData()])]:
            return None
        case [nodes.Output(nodes=[only])]:
            return only
        case _:
            return None


def _charged(apply: Callable[..., object], allowed: budget.Budget) -> Callable[..., object]:
    return lambda *given, **named: _checked_result(apply(*given, **named), allowed)


def _checked_result(result: object, allowed: budget.Budget) -> object:
    if isinstance(result, str):
        allowed.make(len(result))
    elif isinstance(result, list):
        budget.refuse_long(len(result) * 64)
    elif isinstance(result, int):
        if abs(result) >= scalar.LARGEST:
            raise fault.Faulty("a template makes a number that is too large")
    elif isinstance(result, float) and not math.isfinite(result):
        raise fault.Faulty("a template makes a number that is too large")
    return result


def _product(left: object, right: object) -> int:
    """How long a multiplied text gets, before it does."""
    match left, right:
        case str(text), int(times):
            return len(text) * times
        case int(times), str(text):
            return len(text) * times
        case int() | float(), int() | float():
            return 0
        case _:
            raise fault.Faulty("only numbers, and a text with a number, can be multiplied")


def _printed(value: object) -> str:
    if value is None or isinstance(value, str | int | float):
        return fault.spelled(value)
    if isinstance(value, jinja2.Undefined):
        str(value)
    raise fault.Faulty("a template gives text, a number, `true` or `false`, not a list")


def _scalar(value: object) -> Value:
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, jinja2.Undefined):
        str(value)
    raise fault.Faulty("a template gives text, a number, `true` or `false`, not a list")
