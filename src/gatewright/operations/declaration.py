"""What an operation is declared with.

The declaration is the single source for decoding, answering, the coverage page and, later, the command line. A
request is a struct whose fields are annotated with a :class:`Parameter`::

    class CreateVpcRequest(Request, kw_only=True):
        region_id: Annotated[str, Parameter()]
        vpc_name: Annotated[str | None, Parameter(Length(1, 128, error=INVALID_NAME))] = None

A field without a default is required. Types are ``str``, ``int``, ``bool``, an :class:`Item` with fields of its own
(``TunnelOptionsSpecification.EnableDpd`` on the wire), and for lists ``tuple[str, ...]`` and ``tuple[AnItem, ...]``
(``Tag.1.Key``). An item may have items in it, but no lists. Lists and items arrive in that form or as one JSON text.
The wire's name follows from the field's unless the parameter gives one. Each constraint names the documented error
that breaking it gives; without one it is the API's general ``InvalidParameter``. Constraints of a list of texts hold
for each of its values, except :class:`Count`, which holds for the list.
"""

from __future__ import annotations

import abc
import enum
import re
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from gatewright.errors import REGION_NOT_FOUND, ErrorRow
from gatewright.operations.wire_names import wire_name


class Product(NamedTuple):
    """One API: its product code and version."""

    code: str
    version: str


VPC = Product("Vpc", "2016-04-28")
ECS = Product("Ecs", "2014-05-26")
ALB = Product("Alb", "2020-06-16")
RESOURCE_MANAGER = Product("ResourceManager", "2020-03-31")
LOCATION = Product("Location", "2015-06-12")
BSS = Product("BssOpenApi", "2017-12-14")
STS = Product("Sts", "2015-04-01")
#: Our own: what the real service has no operations for.
GATEWRIGHT = Product("Gatewright", "2026-11-01")
#: Everything that answers on the one port. A test holds it against the registry.
PRODUCTS = (VPC, ECS, ALB, RESOURCE_MANAGER, LOCATION, BSS, STS, GATEWRIGHT)


class Access(enum.Enum):
    """The access levels of the API's authorization tables."""

    READ = "read"
    LIST = "list"
    WRITE = "write"


class Constraint(Protocol):
    """A rule for one value."""

    #: The documented error, or None for ``InvalidParameter``.
    error: ErrorRow | None
    #: The rule in words, as it follows the value in a detail: "must be ...".
    rule: str

    def holds(self, value: Any) -> bool:
        """Whether the value keeps the rule."""
        ...


class Between:
    """An integer between two bounds, both inclusive."""

    def __init__(self, low: int, high: int, *, error: ErrorRow | None = None) -> None:
        self.low, self.high, self.error = low, high, error
        self.rule = f"must be between {low} and {high}"

    def holds(self, value: int) -> bool:
        return self.low <= value <= self.high


class OneOf:
    """One of a list of values: to the letter, or in any case."""

    def __init__(self, *values: str | int, error: ErrorRow | None = None, any_case: bool = False) -> None:
        self.values, self.error, self.any_case = values, error, any_case
        self.rule = "must be one of " + ", ".join(str(value) for value in values)

    def holds(self, value: str | int) -> bool:
        if self.any_case and isinstance(value, str):
            return value.lower() in (str(known).lower() for known in self.values)
        return value in self.values


class Length(NamedTuple):
    """A text of so many characters that does not begin like a URL, the API's rule for names and descriptions."""

    low: int
    high: int
    error: ErrorRow | None = None

    @property
    def rule(self) -> str:
        return f"must be {self.low} to {self.high} characters and not start with http:// or https://"

    def holds(self, value: str) -> bool:
        return self.low <= len(value) <= self.high and not value.startswith(("http://", "https://"))


class Matches:
    """A text of a pattern, which must match all of it."""

    def __init__(self, pattern: str, rule: str, *, error: ErrorRow | None = None) -> None:
        self.pattern, self.rule, self.error = re.compile(pattern), rule, error

    def holds(self, value: str) -> bool:
        return self.pattern.fullmatch(value) is not None


class Satisfies:
    """A text of which a function says yes: for what neither a pattern nor a bound says."""

    def __init__(self, condition: Callable[[str], bool], rule: str, *, error: ErrorRow | None = None) -> None:
        self.condition, self.rule, self.error = condition, rule, error

    def holds(self, value: str) -> bool:
        return self.condition(value)


class Count:
    """A list of so many values at the most."""

    def __init__(self, most: int, *, error: ErrorRow | None = None) -> None:
        self.most, self.error = most, error
        self.rule = f"must have at most {most} values"

    def holds(self, value: tuple[Any, ...]) -> bool:
        return len(value) <= self.most


class Parameter:
    """How one field of a request is read from the wire. A secret one's value is in no answer that refuses it."""

    def __init__(self, *constraints: Constraint, name: str = "", secret: bool = False, text: bool = False) -> None:
        """``text``: an item that the API declares as a text, which holds it as JSON."""
        self.constraints = constraints
        self.name = name
        self.secret = secret
        self.text = text


@dataclass(frozen=True, slots=True)
class NotYet:
    """A parameter of the API that is not served yet.

    It is refused rather than ignored: an answer that pretends to have done what it did not would be a lie. The value
    that means the same as leaving it out, if there is one, is accepted.
    """

    name: str
    type: str
    harmless: str | None = None


class Field(NamedTuple):
    """One declared parameter, ready for the decoder."""

    attribute: str
    name: str
    #: ``str``, ``int``, ``bool``, or an :class:`Item`; of a list, the type of its values.
    type: type
    required: bool
    constraints: tuple[Constraint, ...]
    many: bool = False
    #: The fields of an item.
    fields: tuple[Field, ...] = ()
    #: Its value, or a value in it, is told nowhere, not even to who sent it.
    secret: bool = False
    #: An item that the API declares as a text, which holds it as JSON.
    text: bool = False


class Request(msgspec.Struct, kw_only=True, frozen=True):
    """The parameters of an operation."""

    #: Parameters of the API's that are not served yet.
    not_yet: ClassVar[tuple[NotYet, ...]] = ()


class Item(msgspec.Struct, kw_only=True, frozen=True):
    """An object in a request: a parameter, or one of a list. Its fields are declared as a request's are."""


class Part(msgspec.Struct, kw_only=True, rename=wire_name, omit_defaults=True):
    """An object in an answer, or a whole answer. Fields that are None are left out."""

    #: Set on the whole answer only, so that what describes one resource can be an item of a list too.
    request_id: str | None = None


class Response(Part, kw_only=True):
    """A whole answer."""


RequestT = TypeVar("RequestT", bound=Request)
ResponseT = TypeVar("ResponseT", bound=Part)


class Operation(abc.ABC, Generic[RequestT, ResponseT]):
    """One operation of the API.

    Subclasses name the request and the response as the type's arguments, and implement ``execute``. The operation's
    name is the class's. Products have operations of the same name: ``title`` tells them apart.
    """

    product: ClassVar[Product] = VPC
    access: ClassVar[Access]
    #: The rows of the operation's error table that it can answer with.
    errors: ClassVar[tuple[ErrorRow, ...]] = ()
    #: The row for a region that there is not: the gateway's, unless the operation's table has its own.
    region_not_found: ClassVar[ErrorRow] = REGION_NOT_FOUND

    request_type: ClassVar[type[Request]]
    response_type: ClassVar[type[Part]]
    fields: ClassVar[tuple[Field, ...]]
    name: ClassVar[str]
    #: The name where operations of all products stand together: ``CreateVpc``, but ``Ecs DescribeZones``.
    title: ClassVar[str]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.name = cls.__name__
        cls.title = cls.name if cls.product == VPC else f"{cls.product.code} {cls.name}"
        for base in getattr(cls, "__orig_bases__", ()):
            if get_origin(base) is Operation:
                cls.request_type, cls.response_type = get_args(base)
        cls.fields = fields_of(cls.request_type)

    def validate(self, request: RequestT) -> None:
        """Rules between parameters. They need no database and come before existence. Raises ApiError."""

    @abc.abstractmethod
    def execute(self, call: Any, request: RequestT) -> ResponseT:
        """Carry the operation out in ``call.transaction``. Raises ApiError, and then nothing has changed."""


def fields_of(declared: type[Request] | type[Item]) -> tuple[Field, ...]:
    """The declared parameters of a request or an item, in the order of declaration."""
    hints = get_type_hints(declared, include_extras=True)
    found = []
    for field in msgspec.structs.fields(declared):
        annotated, parameter = get_args(hints[field.name])[:2]
        choices = get_args(annotated) if get_origin(annotated) in (Union, UnionType) else (annotated,)
        (kind,) = (kind for kind in choices if kind is not NoneType)
        many = get_origin(kind) is tuple
        if many:
            kind = get_args(kind)[0]
        fields = fields_of(kind) if issubclass(kind, Item) else ()
        found.append(
            Field(
                attribute=field.name,
                name=parameter.name or wire_name(field.name),
                type=kind,
                required=field.required,
                constraints=parameter.constraints,
                many=many,
                fields=fields,
                secret=parameter.secret or any(inner.secret for inner in fields),
                text=parameter.text,
            )
        )
    return tuple(found)
