"""Whether files of deployments say what programs and agents understand: check_deployments.py SOURCES FILE…

They cannot be run without the system that they are for. Status 77: there is no YAML parser here.
"""

import pathlib
import re
import sys

try:
    import yaml
except ImportError:
    print("no YAML parser here: install python3-yaml")
    sys.exit(77)


def mappings(value):
    """All mappings in a document."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from mappings(part)


def main(sources, *files):
    known = set()
    for source in pathlib.Path(sources).rglob("*.cpp"):
        known.update(re.findall(r'"(CADRE_[A-Z_]+)"', source.read_text()))
    for file in files:
        text = pathlib.Path(file).read_text()
        documents = list(yaml.safe_load_all(text))
        unknown = set(re.findall(r"CADRE_[A-Z_]+", text)) - known
        assert not unknown, f"{file}: no program reads {unknown}"
        containers = [m for m in mappings(documents) if m.get("image") == "cluster_pi"]
        commands = [m["args"] if "args" in m else m.get("command") for m in containers]
        assert ["--cadre-agent"] in commands, f"{file}: no agents"
        assert len(commands) > 1, f"{file}: no program"
        # Kubernetes: what is selected exists, and a secret is named once.
        labels = [m["metadata"]["labels"] for m in mappings(documents) if "labels" in m.get("metadata", {})]
        for selector in (m["matchLabels"] for m in mappings(documents) if "matchLabels" in m):
            assert any(selector.items() <= each.items() for each in labels), f"{file}: nothing has the labels {selector}"
        secrets = {str(m["secretKeyRef"]) for m in mappings(documents) if "secretKeyRef" in m}
        assert len(secrets) <= 1, f"{file}: several secrets: {secrets}"


main(*sys.argv[1:])
