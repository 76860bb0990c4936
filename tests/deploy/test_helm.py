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

from arkwright.settings import Settings  # noqa: E402

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
            },
        ]
    },
}


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
    workers = {"ark-worker-default", "ark-worker-gpu"}
    assert set(deployed) == {*servers, *workers, "ark-dask-scheduler"}
    assert set(of_kind(everything, "PodDisruptionBudget")) == servers | workers
    assert set(of_kind(everything, "HorizontalPodAutoscaler")) == {"ark-api", "ark-engine", "ark-worker-default"}
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

    known = {each.metadata["variable"] for each in fields(Settings)}
    given = {variable["name"] for each in containers(everything) for variable in each.get("env", ())}
    assert given <= known, given - known


def test_the_commands_of_the_containers_exist(everything: list[dict[str, Any]]) -> None:
    assert [objection(each["args"]) for each in containers(everything)] == [""] * 6


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"existingSecret": "s", "apii": {}}, "apii"),
        ({"existingSecret": "s", "api": {"replicas": 0}}, "replicas"),
        ({"existingSecret": "s", "settings": {"HOST": "0.0.0.0"}}, "HOST"),
        ({"existingSecret": "s", "workers": {"groups": [{"name": "GPU", "slots": 1, "tokenSecret": "t"}]}}, "name"),
        ({}, "existingSecret"),
    ],
)
def test_wrong_values_are_refused_by_name(values: Mapping[str, Any], named: str) -> None:
    with pytest.raises(helm.HelmError, match=named):
        rendered(values)
