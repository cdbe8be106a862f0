"""The manifests in deploy/kubernetes are valid for Kubernetes, and their parts fit together."""

from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.conftest import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
KUSTOMIZATION = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
MANIFESTS = [
    manifest for name in KUSTOMIZATION["resources"] for manifest in yaml.safe_load_all((FOLDER / name).read_text())
]
PODS = {m["metadata"]["name"]: m["spec"]["template"] for m in MANIFESTS if m["kind"] == "Deployment"}
OLDEST, NEWEST = "1.32", "1.37"


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [manifest for manifest in MANIFESTS if manifest["kind"] == kind]


def containers() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield each container with the specification of its pod."""
    for pod in PODS.values():
        for container in (*pod["spec"]["initContainers"], *pod["spec"]["containers"]):
            yield pod["spec"], container


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda each: f"{each['kind']}-{each['metadata']['name']}")
def test_a_manifest_is_valid(manifest, version):
    kubernetes_validate.validate(manifest, version, strict=True)


def test_the_validation_finds_a_misspelled_field():
    wrong = yaml.safe_load((FOLDER / "ingress.yaml").read_text().replace("pathType", "pathtype"))
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, NEWEST, strict=True)


def test_the_kustomization_lists_every_file():
    assert sorted(KUSTOMIZATION["resources"]) == sorted(
        path.name for path in FOLDER.iterdir() if path.name != "kustomization.yaml"
    )


def test_every_selector_selects_the_pods_of_a_deployment():
    labels = {name: pod["metadata"]["labels"].items() for name, pod in PODS.items()}
    selectors = [(d["metadata"]["name"], d["spec"]["selector"]["matchLabels"]) for d in of_kind("Deployment")]
    selectors += [(b["metadata"]["name"], b["spec"]["selector"]["matchLabels"]) for b in of_kind("PodDisruptionBudget")]
    selectors += [(s["metadata"]["name"], s["spec"]["selector"]) for s in of_kind("Service")]
    assert len(selectors) == 5
    for name, selector in selectors:
        assert [pod for pod, own in labels.items() if selector.items() <= own] == [name]


def test_every_named_port_exists():
    ports = {port["name"] for _, container in containers() for port in container.get("ports", ())}
    (service,), (ingress,) = of_kind("Service"), of_kind("Ingress")
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    assert path["backend"]["service"]["name"] == service["metadata"]["name"]
    assert path["backend"]["service"]["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}
    policies = [rule for policy in of_kind("NetworkPolicy") for rule in policy["spec"]["ingress"]]
    assert {port["port"] for rule in policies for port in rule["ports"]} == ports


def test_a_drained_node_leaves_pods_and_an_update_starts_a_new_one_first():
    replicas = {d["metadata"]["name"]: d["spec"]["replicas"] for d in of_kind("Deployment")}
    for budget in of_kind("PodDisruptionBudget"):
        assert 0 < budget["spec"]["minAvailable"] < replicas[budget["metadata"]["name"]]
    for deployment in of_kind("Deployment"):
        assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


def test_every_container_has_no_rights_and_is_limited():
    for pod, container in containers():
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"] and container["resources"]["requests"].keys() == {
            "cpu",
            "memory",
        }
    assert "--uid 10001" in (ROOT / "Dockerfile").read_text()


def test_every_setting_is_one_of_the_site_and_every_secret_is_a_mounted_file():
    (settings,) = of_kind("ConfigMap")
    sample = (ROOT / ".env.sample").read_text()
    secrets = set()
    for name, value in settings["data"].items():
        assert f"\n# {name.removesuffix('_FILE') if name != 'ENV_FILE' else name}=" in sample
        if name.endswith("_FILE") and value:
            folder, _, file = value.rpartition("/")
            secrets.add(file)
            for pod, container in containers():
                mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
                volumes = {volume["name"]: volume for volume in pod["volumes"]}
                assert volumes[mounts[folder]]["secret"]["secretName"] == "tabularium"
    page = (ROOT / "docs/scale.md").read_text()
    assert secrets and all(f"--from-file={secret}" in page or f"--from-literal={secret}=" in page for secret in secrets)


def test_every_command_of_a_container_is_one_of_the_image():
    usage = (ROOT / "deploy/entrypoint").read_text()
    for _, container in containers():
        (command,) = container["args"]
        assert f"\n{command} " in usage
        for probe in (f"{kind}Probe" for kind in ("startup", "readiness", "liveness") if f"{kind}Probe" in container):
            assert (ROOT / container[probe]["exec"]["command"][0].removeprefix("/app/")).is_file()
