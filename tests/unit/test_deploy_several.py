"""compose.yaml, the Caddyfile and the Kubernetes example run several processes as the program really is."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import GROUPS, WebSettings, fields_of
from bot.sharding import shard_plan
from bot.web.health import Health

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {name for group in GROUPS.values() for name, _ in fields_of(group)}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE_TEXT = (ROOT / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
BOTS = [SERVICES["wanda-a"], SERVICES["wanda-b"]]
CADDYFILE = (ROOT / "deploy" / "Caddyfile").read_text()
KUBERNETES_TEXT = (ROOT / "deploy" / "kubernetes.yaml").read_text()
OBJECTS: dict[str, dict[str, Any]] = {one["kind"]: one for one in yaml.safe_load_all(KUBERNETES_TEXT)}
POD: dict[str, Any] = OBJECTS["Deployment"]["spec"]["template"]["spec"]
CONTAINER: dict[str, Any] = POD["containers"][0]
PORT = WebSettings().port
PATHS = {route.path for route in Health().routes()}
FOLDERS = set(re.findall(r"install --directory .* --mode 700 (.*)", DOCKERFILE)[0].split())
OWN = {"DATABASE_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "DISCORD_TOKEN", "FAL_KEY"}


@pytest.mark.parametrize("text", [COMPOSE_TEXT, KUBERNETES_TEXT], ids=["compose", "kubernetes"])
def test_only_settings_that_exist(text: str) -> None:
    """A name that Wanda does not know would end her start."""
    named = set(re.findall(r"WANDA_[A-Z_]+", text)) | {name for name in OWN if name in text}
    assert named <= SETTINGS


def test_two_processes_of_one_kind() -> None:
    """Both are the same but for their data folder; one shard is for either, and neither claims all for ever."""
    first, second = ({name: value for name, value in bot.items() if name != "volumes"} for bot in BOTS)
    assert first == second
    folders = [bot["volumes"][0] for bot in BOTS]
    assert folders == ["wanda-a:/data", "wanda-b:/data"]
    assert not shard_plan(first["environment"]["WANDA_SHARDS"]).is_whole
    assert not shard_plan(OBJECTS["ConfigMap"]["data"]["WANDA_SHARDS"]).is_whole
    assert OBJECTS["Deployment"]["spec"]["replicas"] == 2


def test_every_folder_can_be_written() -> None:
    """What is mounted is a folder of the image that belongs to its user; else the volume would be root's."""
    mounted = {volume.partition(":")[2] for bot in BOTS for volume in bot["volumes"]}
    assert mounted == FOLDERS
    files = BOTS[0]["environment"]["WANDA_FILES_URL"]
    assert files == "${WANDA_FILES_URL:-file:///files}"
    assert BOTS[0]["environment"]["WANDA_DATA_DIR"] in FOLDERS
    assert {mount["mountPath"] for mount in CONTAINER["volumeMounts"]} <= FOLDERS
    assert {mount["name"] for mount in CONTAINER["volumeMounts"]} == {volume["name"] for volume in POD["volumes"]}


def test_every_volume_and_file_is_there() -> None:
    """Each named volume is declared and used, and each file that is mounted exists."""
    mounts = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert {mount for mount in mounts if not mount.startswith(".")} == set(COMPOSE["volumes"])
    assert all((ROOT / mount).exists() for mount in mounts if mount.startswith("."))


def test_nothing_but_the_bot_and_its_database_starts_unasked() -> None:
    """The store, the proxy and the monitoring are chosen by a profile."""
    assert {name for name, service in SERVICES.items() if "profiles" not in service} == {
        "wanda-a",
        "wanda-b",
        "postgres",
    }


def test_passwords_are_not_in_the_files() -> None:
    """Every secret comes from .env, and Kubernetes's from a Secret that is made by hand."""
    secret = re.compile(r"(PASSWORD|SECRET|TOKEN|KEY)")
    values = [
        str(value)
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if secret.search(name)
    ]
    assert values
    assert all(re.fullmatch(r"\$\{\w+:[?-][^}]*\}", value) for value in values)
    assert "${POSTGRES_PASSWORD:?" in BOTS[0]["environment"]["DATABASE_URL"]
    assert "Secret" not in OBJECTS
    assert {"secretRef": {"name": "wanda"}} in CONTAINER["envFrom"]
    assert not [name for name in OBJECTS["ConfigMap"]["data"] if secret.search(name)]


def test_a_process_that_is_gone_counts_as_down() -> None:
    """Prometheus knows both processes by name; a name that is asked of the DNS vanishes with its container."""
    (scrape,) = yaml.safe_load((ROOT / "deploy" / "prometheus.yml").read_text())["scrape_configs"]
    assert scrape["static_configs"] == [{"targets": [f"wanda-a:{PORT}", f"wanda-b:{PORT}"]}]


def test_no_port_of_the_bot_is_published() -> None:
    """/metrics and /readyz are for the operator's own network; what is published beside HTTPS is on loopback."""
    assert not any("ports" in bot for bot in BOTS)
    published = [port for name, service in SERVICES.items() if name != "caddy" for port in service.get("ports", [])]
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_proxy_passes_webhooks_only() -> None:
    """Caddy and the Ingress pass /fal/ to the bot's port, and Caddy only to a process that works or stands by."""
    handled = re.findall(r"handle (\S+)", CADDYFILE)
    assert handled == ["/fal/*", "{"]
    assert re.findall(r"(wanda-\w):(\d+)", CADDYFILE) == [("wanda-a", str(PORT)), ("wanda-b", str(PORT))]
    assert re.findall(r"health_uri (\S+)", CADDYFILE) == ["/readyz?standby=ok"]
    (path,) = OBJECTS["Ingress"]["spec"]["rules"][0]["http"]["paths"]
    assert (path["path"], path["pathType"]) == ("/fal/", "Prefix")
    assert path["backend"]["service"] == {"name": OBJECTS["Service"]["metadata"]["name"], "port": {"name": "web"}}


def test_the_probes_ask_what_is_answered() -> None:
    """Each asks the bot's own port for a path that it has; a standby counts as ready, or a rollout would not end."""
    assert CONTAINER["ports"] == [{"name": "web", "containerPort": PORT}]
    asked = {name: CONTAINER[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {get["port"] for get in asked.values()} == {"web"}
    assert {get["path"].partition("?")[0] for get in asked.values()} <= PATHS
    assert asked["readiness"]["path"] == "/readyz?standby=ok"
    annotations = OBJECTS["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(PORT)


def test_the_pod_has_no_rights() -> None:
    """It runs as the image's user, without a writable root and without any capability."""
    uid = int(re.findall(r"^USER (\d+):", DOCKERFILE, re.MULTILINE)[0])
    assert (POD["securityContext"]["runAsUser"], POD["securityContext"]["fsGroup"]) == (uid, uid)
    assert POD["securityContext"]["runAsNonRoot"]
    assert CONTAINER["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["terminationGracePeriodSeconds"] >= 15
    assert CONTAINER["resources"].keys() == {"requests", "limits"}


def test_one_replica_may_be_evicted() -> None:
    """The budget, the Deployment and the Service choose the same pods; one of two may go at a time."""
    labels = OBJECTS["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert OBJECTS["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert OBJECTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert OBJECTS["Service"]["spec"]["selector"] == labels
    assert OBJECTS["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1
