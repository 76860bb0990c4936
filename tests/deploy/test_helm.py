"""The Helm chart: rendered by Helm itself, held against Kubernetes' own schemas, and wrong values refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

helm = pytest.importorskip("helm_python", reason="Helm is not installed here")
kubernetes_validate = pytest.importorskip("kubernetes_validate", reason="it is a test dependency")
import yaml  # noqa: E402
from tests.deploy.commands import objection  # noqa: E402

from arkwright.settings import Settings, variable_of  # noqa: E402

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "arkwright"
KUBERNETES = "1.33"
OTHERS = ("cert-manager.io", "keda.sh", "monitoring.coreos.com")
"""Makers of kinds that Kubernetes has no schema of."""
EVERYTHING = {
    "existingSecret": "arkwright",
    "objects": {"endpoint": "https://objects.example.org", "region": "eu", "logStore": "obs://arkwright/logs"},
    "ingress": {"enabled": True, "className": "nginx", "tlsSecret": "web"},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "workers": {
        "groups": [
            {
                "name": "default",
                "slots": 4,
                "replicas": 2,
                "tokenSecret": "token-default",
                "autoscaling": {"by": "hpa", "minReplicas": 2, "maxReplicas": 8, "targetCPUUtilizationPercentage": 70},
            },
            {
                "name": "gpu",
                "slots": 1,
                "tokenSecret": "token-gpu",
                "nodeSelector": {"accelerator": "yes"},
                "tolerations": [{"key": "gpu", "operator": "Exists"}],
                "autoscaling": {"by": "keda", "minReplicas": 0, "maxReplicas": 4},
                "scheduler": {"resources": {"limits": {"memory": "2Gi"}}},
            },
            {
                "name": "io",
                "slots": 8,
                "tokenSecret": "token-io",
                "autoscaling": {"by": "adapter", "minReplicas": 1, "maxReplicas": 4},
            },
        ]
    },
}


GROUPS = ("default", "gpu", "io")


def rendered(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    with helm.Chart.load(str(CHART)) as chart:
        chart.validate_schema(dict(values))
        files: Mapping[str, str] = chart.render(dict(values), name="ark", namespace="jobs")
    found = []
    for name, text in files.items():
        if name.endswith(".yaml"):
            found += [each for each in yaml.safe_load_all(text) if each]
    return found


@pytest.fixture(scope="module")
def everything() -> list[dict[str, Any]]:
    return rendered(EVERYTHING)


def of_kind(objects: Sequence[Mapping[str, Any]], kind: str) -> dict[str, Any]:
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}


def containers(objects: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    pods = [each["spec"]["template"]["spec"] for each in of_kind(objects, "Deployment").values()]
    return [container for pod in pods for container in pod["containers"]]


def test_helm_finds_nothing_to_complain_of() -> None:
    told = helm.lint(str(CHART), EVERYTHING)
    assert not told["errors"], told
    assert all(message["severity"] in ("INFO", "info", 1) for message in told["messages"]), told


@pytest.mark.parametrize(
    "values",
    [EVERYTHING, {"existingSecret": "s"}, {"existingSecret": "s", "workers": {"enabled": False}}],
    ids=["everything", "as it comes", "without workers"],
)
def test_kubernetes_takes_every_object(values: Mapping[str, Any]) -> None:
    objects = rendered(values)
    assert objects
    for each in objects:
        if not each["apiVersion"].startswith(OTHERS):
            kubernetes_validate.validate(each, KUBERNETES, strict=True)


def test_each_role_and_each_group_is_deployed_with_a_disruption_budget(everything: list[dict[str, Any]]) -> None:
    deployed = of_kind(everything, "Deployment")
    servers = {"ark-api", "ark-engine", "ark-scheduler"}
    workers = {f"ark-worker-{group}" for group in GROUPS}
    assert set(deployed) == {*servers, *workers, *(f"ark-dask-{group}" for group in GROUPS)}
    assert set(of_kind(everything, "PodDisruptionBudget")) == servers | workers
    assert set(of_kind(everything, "HorizontalPodAutoscaler")) == {
        *("ark-api", "ark-engine", "ark-worker-default", "ark-worker-io")
    }
    assert set(of_kind(everything, "ScaledObject")) == {"ark-worker-gpu"}
    for name, each in deployed.items():
        labels = each["spec"]["template"]["metadata"]["labels"]
        assert each["spec"]["selector"]["matchLabels"].items() <= labels.items(), name
    assert [each["args"][2] for each in containers(everything) if each["name"] == "server"] == [
        "api",
        "engine",
        "scheduler",
    ]


def test_no_container_may_do_more_than_it_needs(everything: list[dict[str, Any]]) -> None:
    for each in containers(everything):
        security = each["securityContext"]
        assert security["readOnlyRootFilesystem"]
        assert not security["allowPrivilegeEscalation"]
        assert security["capabilities"] == {"drop": ["ALL"]}
    for deployment in of_kind(everything, "Deployment").values():
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["automountServiceAccountToken"] is False
        mounted = {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}


def test_no_secret_stands_in_the_chart_s_output(everything: list[dict[str, Any]]) -> None:
    assert not of_kind(everything, "Secret")
    for each in containers(everything):
        for variable in each.get("env", ()):
            if re.search("PASSWORD|SECRET|TOKEN|DATABASE_URL|ACCESS_KEY", variable["name"]):
                assert set(variable) == {"name", "valueFrom"}, variable


def test_the_environment_names_settings_that_there_are(everything: list[dict[str, Any]]) -> None:
    from dataclasses import fields

    known = {variable_of(each.name) for each in fields(Settings)}
    given = {variable["name"] for each in containers(everything) for variable in each.get("env", ())}
    assert given <= known, given - known


def test_the_commands_of_the_containers_exist(everything: list[dict[str, Any]]) -> None:
    assert [objection(each["args"]) for each in containers(everything)] == [""] * 9


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_has_a_dask_scheduler_of_its_own(everything: list[dict[str, Any]], group: str) -> None:
    url = f"tls://ark-dask-{group}:8786"
    for each in (each for each in containers(everything) if each["name"] == "server"):
        (ways,) = [one["value"] for one in each["env"] if one["name"] == "ARKWRIGHT_EXECUTOR"]
        assert f"{group}={url}" in ways.split(",")
    (worker,) = of_kind(everything, "Deployment")[f"ark-worker-{group}"]["spec"]["template"]["spec"]["containers"]
    assert {f"--scheduler={url}", f"--group={group}"} <= {*worker["args"]}
    service, pods = of_kind(everything, "Service")[f"ark-dask-{group}"], of_kind(everything, "Deployment")
    assert service["spec"]["selector"] == pods[f"ark-dask-{group}"]["spec"]["selector"]["matchLabels"]


def test_several_dask_schedulers_share_a_group_each_with_workers_of_its_own() -> None:
    keda = {"by": "keda", "minReplicas": 0, "maxReplicas": 4}
    pair = [
        {"name": name, "group": "GPU_big", "slots": 2, "tokenSecret": "token", "autoscaling": keda}
        for name in ("gpu-a", "gpu-b")
    ]
    objects = rendered({"existingSecret": "s", "workers": {"defaultGroup": "GPU_big", "groups": pair}})
    deployed = of_kind(objects, "Deployment")
    (engine,) = deployed["ark-engine"]["spec"]["template"]["spec"]["containers"]
    (ways,) = [each["value"] for each in engine["env"] if each["name"] == "ARKWRIGHT_EXECUTOR"]
    assert ways == "GPU_big=tls://ark-dask-gpu-a:8786,GPU_big=tls://ark-dask-gpu-b:8786"
    for name in ("gpu-a", "gpu-b"):
        (worker,) = deployed[f"ark-worker-{name}"]["spec"]["template"]["spec"]["containers"]
        assert {f"--scheduler=tls://ark-dask-{name}:8786", "--group=GPU_big"} <= {*worker["args"]}
        (trigger,) = of_kind(objects, "ScaledObject")[f"ark-worker-{name}"]["spec"]["triggers"]
        assert 'group="GPU_big"' in trigger["metadata"]["query"]
        assert trigger["metadata"]["threshold"] == "4", "the group's attempts are for both"


@pytest.mark.parametrize("group", GROUPS)
def test_what_programs_of_nodes_can_read_is_their_groups_token_and_the_workers_certificate(
    everything: list[dict[str, Any]], group: str
) -> None:
    """And who reaches a Dask scheduler can have it run anything."""

    def secrets(name: str) -> set[str]:
        volumes = of_kind(everything, "Deployment")[name]["spec"]["template"]["spec"]["volumes"]
        return {each["secret"]["secretName"] for each in volumes if "secret" in each}

    assert secrets(f"ark-worker-{group}") == {"ark-worker-tls", f"token-{group}"}
    assert secrets(f"ark-dask-{group}") == {"ark-worker-tls"}


def test_what_a_group_says_of_its_scheduler_is_its_own(everything: list[dict[str, Any]]) -> None:
    memory = {}
    for group in GROUPS:
        (each,) = of_kind(everything, "Deployment")[f"ark-dask-{group}"]["spec"]["template"]["spec"]["containers"]
        memory[group] = each["resources"]["limits"]["memory"]
    assert memory == {"default": "1Gi", "gpu": "2Gi", "io": "1Gi"}


@pytest.mark.parametrize("group", GROUPS)
def test_a_dask_scheduler_is_reached_by_engines_and_its_workers_alone_and_a_worker_by_its_scheduler(
    everything: list[dict[str, Any]], group: str
) -> None:
    policies = of_kind(everything, "NetworkPolicy")
    assert set(policies) == {"ark-servers", *(f"ark-{part}-{each}" for each in GROUPS for part in ("dask", "worker"))}

    def admitted(name: str) -> set[str]:
        """Components that may come in."""
        found = set()
        for rule in policies[name]["spec"]["ingress"]:
            for peer in rule["from"]:
                selector = peer["podSelector"]
                assert selector["matchLabels"]["app.kubernetes.io/instance"] == "ark"
                found.update(
                    [selector["matchLabels"]["app.kubernetes.io/component"]]
                    if "matchExpressions" not in selector
                    else selector["matchExpressions"][0]["values"]
                )
        return found

    for part in ("dask", "worker"):
        chosen = policies[f"ark-{part}-{group}"]["spec"]["podSelector"]["matchLabels"]
        labels = of_kind(everything, "Deployment")[f"ark-{part}-{group}"]["spec"]["template"]["metadata"]["labels"]
        assert chosen.items() <= labels.items()
    assert admitted(f"ark-dask-{group}") == {"engine", f"worker-{group}"}
    assert admitted(f"ark-worker-{group}") == {f"dask-{group}"}


def test_a_group_is_scaled_by_what_it_has_to_do_and_a_pod_that_goes_has_time_to_drain(
    everything: list[dict[str, Any]],
) -> None:
    metric = "arkwright_worker_attempts"
    (query,) = [
        each["metadata"]["query"] for each in of_kind(everything, "ScaledObject")["ark-worker-gpu"]["spec"]["triggers"]
    ]
    assert f'{metric}{{group="gpu"}}' in query
    (external,) = of_kind(everything, "HorizontalPodAutoscaler")["ark-worker-io"]["spec"]["metrics"]
    assert external["external"]["metric"] == {"name": metric, "selector": {"matchLabels": {"group": "io"}}}
    assert external["external"]["target"] == {"type": "AverageValue", "averageValue": "8"}
    from arkwright.api import metrics

    assert f'"{metric}"' in Path(metrics.__file__).read_text()
    for group in GROUPS:
        pod = of_kind(everything, "Deployment")[f"ark-worker-{group}"]["spec"]["template"]["spec"]
        (grace,) = [each.partition("=")[2] for each in pod["containers"][0]["args"] if each.startswith("--grace=")]
        assert pod["terminationGracePeriodSeconds"] > float(grace)
    (api,) = of_kind(everything, "Deployment")["ark-api"]["spec"]["template"]["spec"]["containers"]
    assert api["lifecycle"]["preStop"]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"existingSecret": "s", "apii": {}}, "apii"),
        ({"existingSecret": "s", "api": {"replicas": 0}}, "replicas"),
        ({"existingSecret": "s", "settings": {"HOST": "0.0.0.0"}}, "HOST"),
        ({"existingSecret": "s", "workers": {"groups": [{"name": "GPU", "slots": 1, "tokenSecret": "t"}]}}, "name"),
        ({"existingSecret": "s", "workers": {"defaultGroup": "cpu"}}, "defaultGroup"),
        ({}, "existingSecret"),
    ],
)
def test_wrong_values_are_refused_by_name(values: Mapping[str, Any], named: str) -> None:
    with pytest.raises(helm.HelmError, match=named):
        rendered(values)
