"""The documents of the identity API, in Keystone's shape. They describe and do not check (`iam.keystone` does)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Id = Annotated[str, Meta(examples=["0123456789abcdef0123456789abcdef"])]
Time = Annotated[str, Meta(examples=["2026-01-01T00:00:00.000000Z"])]
Text = Annotated[str, Meta(min_length=1, max_length=64)]


class Reference(Struct, kw_only=True, omit_defaults=True):
    """By name or by id."""

    id: Annotated[Text, Meta(examples=["0123456789abcdef0123456789abcdef"])] | UnsetType = UNSET
    name: Annotated[Text, Meta(examples=["arkwright"])] | UnsetType = UNSET


class ProjectScope(Reference, kw_only=True, omit_defaults=True):
    domain: Reference | UnsetType = UNSET


class Scope(Struct, kw_only=True, omit_defaults=True):
    project: ProjectScope | UnsetType = UNSET
    domain: Reference | UnsetType = UNSET


class LoginUser(Struct, kw_only=True, omit_defaults=True):
    id: Text | UnsetType = UNSET
    name: Annotated[Text, Meta(examples=["admin"])] | UnsetType = UNSET
    password: Annotated[str, Meta(min_length=1, max_length=128, examples=["…"])]
    domain: Reference | UnsetType = UNSET


class LoginPassword(Struct, kw_only=True):
    user: LoginUser


class LoginIdentity(Struct, kw_only=True):
    methods: Annotated[list[Literal["password"]], Meta(min_length=1)]
    password: LoginPassword


class LoginAuth(Struct, kw_only=True, omit_defaults=True):
    identity: LoginIdentity
    scope: Scope | UnsetType = UNSET


class Login(Struct, kw_only=True):
    auth: LoginAuth


class Named(Struct, kw_only=True):
    id: Id
    name: str


class TokenUser(Named, kw_only=True):
    domain: Named
    password_expires_at: str


class TokenProject(Named, kw_only=True):
    domain: Named


class Endpoint(Struct, kw_only=True):
    id: Id
    interface: Annotated[str, Meta(examples=["public"])]
    region: Annotated[str, Meta(examples=["*"])]
    region_id: Annotated[str, Meta(examples=["*"])]
    url: Annotated[str, Meta(examples=["http://127.0.0.1:8800"])]


class CatalogEntry(Named, kw_only=True):
    type: Annotated[str, Meta(examples=["dayu"])]
    endpoints: list[Endpoint]


class Token(Struct, kw_only=True, omit_defaults=True):
    methods: Annotated[list[str], Meta(examples=[["password"]])]
    issued_at: Time
    expires_at: Time
    user: TokenUser
    roles: list[Named]
    project: TokenProject | UnsetType = UNSET
    domain: Named | UnsetType = UNSET
    catalog: list[CatalogEntry] | UnsetType = UNSET


class TokenReply(Struct, kw_only=True):
    token: Token


class SelfLink(Struct, kw_only=True):
    self: str


class ListLinks(Struct, kw_only=True):
    self: str
    previous: str | None
    next: str | None


class Project(Named, kw_only=True):
    domain_id: str
    parent_id: str
    enabled: bool
    is_domain: bool
    description: str
    links: SelfLink


class Projects(Struct, kw_only=True):
    projects: list[Project]
    links: ListLinks


class Domain(Named, kw_only=True):
    enabled: bool
    description: str
    links: SelfLink


class Domains(Struct, kw_only=True):
    domains: list[Domain]
    links: ListLinks


class Catalog(Struct, kw_only=True):
    catalog: list[CatalogEntry]
    links: ListLinks


class User(Named, kw_only=True):
    domain_id: str
    enabled: bool
    is_domain_owner: bool
    description: str
    links: SelfLink


class UserDetail(Struct, kw_only=True):
    user: User
