"""The documents of the Management Center, field by field. They describe and do not check, as those of the newer API."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from arkwright.api.v1.documents import Milliseconds

Id = Annotated[str, Meta(examples=["0123456789abcdef0123456789abcdef"])]
RoleWord = Annotated[Literal["admin", "developer", "deployer", "operator", "viewer"], Meta(examples=["developer"])]


class Outcome(Struct, kw_only=True):
    is_success: bool
    message: str


# ---------------------------------------------------------------- instances and workspaces


class Order(Struct, kw_only=True, omit_defaults=True):
    """A DataArts instance."""

    project_id: Id
    region_id: Annotated[str, Meta(examples=["eu-de"])]
    resource_id: Annotated[Id, Meta(description="The instance's id.")]
    resource_name: Annotated[str, Meta(examples=["arkwright"])]
    domain_id: Id
    work_space_mode: Annotated[str, Meta(examples=["simple"])]
    create_time: Milliseconds | UnsetType = UNSET
    create_user: str | UnsetType = UNSET


class Orders(Struct, kw_only=True):
    count: int
    billing_check: bool
    commodity_orders: list[Order]


class NewWorkspace(Struct, kw_only=True, omit_defaults=True):
    name: Annotated[str, Meta(min_length=1, max_length=64, examples=["sales"])]
    description: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET
    bad_record_location_name: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET
    job_log_location_name: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET
    eps_id: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET
    time_zone: Annotated[str, Meta(max_length=64, description="Ours.", examples=["Europe/Berlin"])] | UnsetType = UNSET


class Workspace(Struct, kw_only=True):
    id: Id
    name: Annotated[str, Meta(examples=["sales"])]
    description: str
    bad_record_location_name: str
    job_log_location_name: str
    eps_id: str
    is_default: Annotated[int, Meta(description="1: the default workspace, 0: another one.")]
    owner_name: str
    project_id: str
    domain_id: str
    instance_id: str
    member_num: int
    create_time: Milliseconds
    create_user: str


class Workspaces(Struct, kw_only=True):
    count: int
    total_page: int
    data: list[Workspace]


# ---------------------------------------------------------------- members


class RoleItem(Struct, kw_only=True):
    role_id: RoleWord
    role_code: RoleWord
    role_name: RoleWord
    description: str


class Member(Struct, kw_only=True):
    id: str
    user_id: Id
    user_name: str
    display_user_name: str
    domain_id: str
    domain_name: str
    domain_owner: bool
    workspace_id: str
    roles: list[RoleItem]
    type: Annotated[int, Meta(description="0: a user.")]


class Members(Struct, kw_only=True):
    count: int
    total_page: int
    data: list[Member]


class UserReference(Struct, kw_only=True, omit_defaults=True):
    """One of the two."""

    user_id: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET
    user_name: Annotated[str, Meta(max_length=64)] | UnsetType = UNSET


class RoleReference(Struct, kw_only=True):
    role_id: RoleWord


class NewMembers(Struct, kw_only=True):
    user_ids: Annotated[list[UserReference], Meta(min_length=1)]
    roles_ids: Annotated[list[RoleReference], Meta(min_length=1, max_length=1)]


class NewRole(Struct, kw_only=True):
    roles_ids: Annotated[list[RoleReference], Meta(min_length=1, max_length=1)]


class WorkspaceIds(Struct, kw_only=True):
    workspace_ids: Annotated[list[Id], Meta(min_length=1)]


class UserIds(Struct, kw_only=True):
    user_ids: Annotated[list[Id], Meta(min_length=1)]


# ---------------------------------------------------------------- data connections


class DataConnection(Struct, kw_only=True, omit_defaults=True):
    dw_name: Annotated[str, Meta(min_length=1, max_length=128, examples=["warehouse"])]
    dw_type: Annotated[str, Meta(min_length=1, max_length=64, examples=["DWS"])]
    dw_config: Annotated[
        dict[str, str | int | float | bool | None], Meta(examples=[{"ip": "10.0.0.5", "port": "8000"}])
    ]
    agent_id: str | UnsetType = UNSET
    agent_name: str | UnsetType = UNSET
    env_type: Annotated[int, Meta(ge=0, le=1, description="0 development, 1 production.")] | UnsetType = UNSET
    dw_category: str | UnsetType = UNSET
    description: Annotated[str, Meta(max_length=255)] | UnsetType = UNSET
    supportService: Annotated[int, Meta(ge=0, le=127)] | UnsetType = UNSET


class DataConnections(Struct, kw_only=True, omit_defaults=True):
    data_source_vos: Annotated[list[DataConnection], Meta(min_length=1, max_length=50)]
    mode: Annotated[int, Meta(ge=0, le=1)] | UnsetType = UNSET
    visible: Annotated[int, Meta(ge=0, le=1)] | UnsetType = UNSET


class MadeDataConnections(Struct, kw_only=True):
    data_connection_id: Annotated[str, Meta(description="The first one's.", examples=["1001"])]
    data_connection_ids: list[str]


class DataConnectionItem(Struct, kw_only=True):
    dw_id: Annotated[str, Meta(examples=["1001"])]
    dw_name: Annotated[str, Meta(examples=["warehouse"])]
    dw_type: Annotated[str, Meta(examples=["DWS"])]
    agent_id: Any
    agent_name: Any
    qualified_name: Annotated[str, Meta(examples=["default.warehouse"])]
    description: str
    create_user: str
    create_time: Milliseconds


class DataConnectionList(Struct, kw_only=True):
    count: Annotated[int, Meta(description="On this page.")]
    total_size: int
    max_records: int
    data_connection_lists: list[DataConnectionItem]


class DataConnectionDetail(DataConnectionItem, kw_only=True):
    env_type: Annotated[int | str, Meta(description="0 development, 1 production.")]
    dw_catagory: Annotated[Any, Meta(description="As one of the documents spells it.")]
    dw_category: Any
    dw_config: Annotated[dict[str, Any], Meta(description="Secrets are masked.")]
    update_type: int
