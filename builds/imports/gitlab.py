"""GitLab CI: `.gitlab-ci.yml` as pipelines; its stages become `needs`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from builds.imports.notes import Imported, Notes
from builds.imports.part import Part
from builds.imports.shell import exports, glob
from builds.imports.writing import Value, to_yaml
from builds.pipeline import yaml
from builds.pipeline.nodes import Entry, Node, Scalar, Sequence
from builds.pipeline.nodes import Mapping as MappingNode

FILE = ".gitlab-ci.yml"
_STAGES = ["build", "test", "deploy"]
_NO_JOBS = frozenset({"default", "include", "stages", "variables", "workflow", "image", "services", "cache", "types"})
_NO_JOBS |= {"before_script", "after_script", "spec"}
_VARIABLES = {
    "CI_COMMIT_SHA": "CI_COMMIT_ID",
    "CI_COMMIT_REF_NAME": "CI_BRANCH",
    "CI_COMMIT_REF_SLUG": "CI_BRANCH",
    "CI_COMMIT_BRANCH": "CI_BRANCH",
    "CI_COMMIT_TAG": "CI_BRANCH",
    "CI_PIPELINE_ID": "CI_BUILD_ID",
    "CI_PIPELINE_IID": "CI_BUILD_NUMBER",
    "CI_PIPELINE_URL": "CI_BUILD_URL",
    "CI_PROJECT_PATH": "CI_REPO_NAME",
    "GITLAB_USER_EMAIL": "CI_COMMITTER_EMAIL",
}
_USE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_REFERENCE = re.compile(r"!reference\s*\[")
_EVENTS = {
    "push": "push",
    "schedule": "schedule",
    "web": "manual",
    "api": "manual",
    "merge_request_event": "pull_request",
}
_DEPTH = 10


def import_gitlab(text: str) -> Imported:
    """The pipelines of the file. Raises ConfigError for what is not YAML."""
    notes = Notes(FILE)
    root = Part(yaml.read(_REFERENCE.sub('["!reference", ', text), FILE).root, notes)
    made = _File(root, notes).document()
    return Imported(to_yaml(made), tuple(sorted(notes.found)))


class _File:
    """The file as a whole."""

    def __init__(self, root: Part, notes: Notes) -> None:
        self._root, self.notes = root, notes
        self.services: dict[str, Value] = {}
        self._stages = root.texts("stages") or _STAGES
        default = root.part("default")
        self.defaults = {
            entry.key: entry for part in (root, default) for entry in part.node.entries if entry.key in _NO_JOBS
        }
        for key in ("image", "services", "cache", "before_script", "after_script"):
            root.entry(key)
        self.variables = root.pairs("variables")
        for key in ("include", "workflow"):
            if root.has(key):
                notes.add(f"`{key}` was not carried over", root.entry(key))

    def document(self) -> dict[str, Value]:
        jobs = [(entry.key, self._resolved(entry, 0)) for entry in self._root.node.entries if _is_job(entry)]
        stages: dict[str, list[str]] = {stage: [] for stage in self._stages}
        for name, job in jobs:
            stages.setdefault(_text(job, "stage") or "test", []).append(name)
        pipelines: dict[str, Value] = {}
        for name, job in jobs:
            pipelines[name] = _Job(self, name, Part(job, self.notes, name)).pipeline(self._before(name, job, stages))
        return {"services": self.services, "pipelines": pipelines}

    def _before(self, name: str, job: MappingNode, stages: Mapping[str, list[str]]) -> list[str]:
        """The jobs of the stage before, as far as there is one with jobs."""
        own = _text(job, "stage") or "test"
        earlier = [jobs for stage, jobs in list(stages.items())[: list(stages).index(own)] if jobs]
        return earlier[-1] if earlier else []

    def _resolved(self, entry: Entry, depth: int) -> MappingNode:
        """The job with what it `extends` written into it, as GitLab merges: maps join, all else is replaced."""
        node = entry.node if isinstance(entry.node, MappingNode) else MappingNode((), entry.node.mark)
        parents = node.get("extends")
        names = [] if parents is None else [one.text for one in _items(parents.node) if isinstance(one, Scalar)]
        merged = MappingNode((), node.mark)
        for name in names if depth < _DEPTH else ():
            parent = self._root.node.get(name)
            if parent is None:
                self.notes.add(f"`{name}`, which `{entry.key}` extends, is not in this file", entry)
            else:
                merged = _merged(merged, self._resolved(parent, depth + 1))
        return _merged(merged, MappingNode(tuple(one for one in node.entries if one.key != "extends"), node.mark))

    def lines(self, node: Node) -> list[str]:
        """A script's lines, with what `!reference` names put in."""
        items = _items(node)
        if len(items) >= 2 and isinstance(items[0], Scalar) and items[0].text == "!reference":
            found: Node | None = self._root.node
            for key in items[1:]:
                entry = found.get(key.text) if isinstance(found, MappingNode) and isinstance(key, Scalar) else None
                found = entry.node if entry else None
            return self.lines(found) if found is not None and not isinstance(found, MappingNode) else []
        lines: list[str] = []
        for item in items:
            lines += [item.text] if isinstance(item, Scalar) else self.lines(item) if isinstance(item, Sequence) else []
        return lines


class _Job:
    """One job."""

    def __init__(self, file: _File, name: str, job: Part) -> None:
        self._file, self._name, self._job, self._notes = file, name, job, file.notes

    def pipeline(self, before: list[str]) -> dict[str, Value]:
        job = self._job
        job.pass_over("stage", "dependencies", "interruptible", "coverage", "resource_group", "inherit")
        plain, told = self._variables()
        script = [*exports(told), *(line for key in ("before_script", "script") for line in self._lines(key))]
        step: dict[str, Value] = {"run": "\n".join(_translated(line) for line in script) or "true"}
        if after := self._lines("after_script"):
            self._notes.add(f"`after_script` of `{self._name}` runs only where the script passed", job.node)
            step["run"] = f"{step['run']}\n" + "\n".join(_translated(line) for line in after)
        image = self._image()
        step |= self._beside(image)
        parallel = job.entry("parallel")
        made: dict[str, Value] = {
            "needs": self._needs(before),
            "when": self._when(),
            "image": "" if "service" in step else image,
            "environment": plain,
            "labels": job.texts("tags"),
            "timeout": _duration(job.text("timeout")),
            "retry": self._retry(),
            "steps": [step if len(step) > 1 else str(step["run"])],
            "artifacts": self._artifacts(),
            "cache": self._caches(),
            **self._copies(parallel),
        }
        if job.has("allow_failure") and job.text("allow_failure") != "false":
            made["allow_failure"] = True
        for key in ("environment", "release", "trigger", "pages", "secrets", "id_tokens"):
            if job.has(key):
                self._notes.add(f"`{key}` of `{self._name}` was not carried over", job.entry(key))
        job.finish()
        return made

    def _entry(self, key: str) -> Entry | None:
        return self._job.entry(key) or self._file.defaults.get(key)

    def _lines(self, key: str) -> list[str]:
        entry = self._entry(key)
        return self._file.lines(entry.node) if entry else []

    def _image(self) -> str:
        entry = self._entry("image")
        if entry is None:
            return ""
        return entry.node.text if isinstance(entry.node, Scalar) else Part(entry.node, self._notes).text("name")

    def _variables(self) -> tuple[dict[str, Value], list[str]]:
        plain: dict[str, Value] = {}
        told: list[str] = []
        for name, value in {**self._file.variables, **self._job.pairs("variables")}.items():
            if _USE.search(value):
                told.append(f'{name}="{_translated(value)}"')
            else:
                plain[name] = value
        return plain, told

    def _beside(self, image: str) -> dict[str, Value]:
        """A job with services runs in a service of its own: only there the others are beside it."""
        entry = self._entry("services")
        names = []
        for node in _items(entry.node) if entry else []:
            part = Part(node, self._notes, "services")
            other = node.text if isinstance(node, Scalar) else part.text("name")
            if not other or other.startswith("docker:"):
                self._notes.add(f"the service {other or '?'} was not carried over: see add_docker", node)
                continue
            alias = "" if isinstance(node, Scalar) else part.text("alias")
            name = alias or re.sub(r"[/.]", "-", other.rsplit("/", 1)[-1].split(":")[0].split("@")[0])
            self._file.services[name] = {"image": other, "environment": dict(self._variables()[0])}
            names.append(name)
        if not names:
            return {}
        runner = f"{self._name} steps".replace(" ", "-")
        self._file.services[runner] = {
            "image": image or "ubuntu:24.04",
            "depends_on": names,
            "volumes": [".:/workspace"],
            "working_dir": "/workspace",
        }
        return {"service": runner}

    def _needs(self, before: list[str]) -> list[str]:
        if not self._job.has("needs"):
            return before
        names = []
        for node in self._job.items("needs"):
            name = node.text if isinstance(node, Scalar) else Part(node, self._notes).text("job")
            names += [name] if name else []
        return names

    def _retry(self) -> Value:
        entry = self._job.entry("retry")
        if entry is None:
            return ""
        count = entry.node.text if isinstance(entry.node, Scalar) else Part(entry.node, self._notes).text("max")
        return {"failed": int(count)} if count.isdigit() else ""

    def _copies(self, entry: Entry | None) -> dict[str, Value]:
        if entry is None:
            return {}
        if isinstance(entry.node, Scalar):
            self._notes.add(f"`{self._name}`: CI_NODE_INDEX counts from 0 here, and from 1 at GitLab", entry)
            return {"parallelism": int(entry.node.text)} if entry.node.text.isdigit() else {}
        rows = Part(entry.node, self._notes).items("matrix")
        if len(rows) != 1 or not isinstance(rows[0], MappingNode):
            self._notes.add("`parallel: matrix` with several maps was not carried over", entry)
            return {}
        part = Part(rows[0], self._notes)
        self._notes.add(f"`{self._name}`: values of the matrix are in MATRIX_NAME", entry)
        return {"matrix": {one.key: part.texts(one.key) for one in rows[0].entries}}

    def _artifacts(self) -> list[str]:
        part = self._job.part("artifacts")
        part.pass_over("expire_in", "when", "name", "expose_as", "public", "access")
        paths = part.texts("paths")
        for key in ("reports", "exclude", "untracked"):
            if part.has(key):
                self._notes.add(f"`{key}` of artifacts was not carried over", part.entry(key))
        part.finish()
        return [path.rstrip("/") for path in paths if "$" not in path]

    def _caches(self) -> list[Value]:
        entry = self._entry("cache")
        found: list[Value] = []
        for node in _items(entry.node) if entry else []:
            part = Part(node, self._notes, "cache")
            part.pass_over("policy", "when", "untracked", "unprotect")
            paths = [path.rstrip("/") for path in part.texts("paths") if not path.startswith("/")]
            key = self._key(part)
            if paths:
                found.append({"key": key, "paths": paths})
            part.finish()
        return found

    def _key(self, part: Part) -> str:
        entry = part.entry("key")
        if entry is None:
            return "default"
        if isinstance(entry.node, Scalar):
            return _USE.sub("{{ branch }}", entry.node.text)
        inner = Part(entry.node, self._notes, "key")
        files = " ".join(f"'{one}'" for one in inner.texts("files"))
        prefix = _USE.sub("{{ pipeline }}", inner.text("prefix"))
        return f"{prefix}-{{{{ checksum {files} }}}}" if prefix else f"{{{{ checksum {files} }}}}"

    def _when(self) -> dict[str, Value]:
        manual = self._job.text("when") == "manual"
        found: list[dict[str, list[str]]] = []
        for node in self._job.items("rules"):
            rule = Part(node, self._notes, "rules")
            if rule.text("when") == "never":
                self._notes.add("a rule with `when: never` was not carried over", node)
                rule.pass_over("if", "changes", "exists")
                continue
            manual = manual or rule.text("when") == "manual"
            when = _condition(rule.text("if"))
            if when is None:
                self._notes.add(
                    f"`if: {rule.text('if')[:100]}` is not understood: it runs only when started by hand", node
                )
                when = {"event": ["manual"]}
            if paths := rule.texts("changes"):
                when["paths"] = [glob(path) for path in paths]
            rule.pass_over("allow_failure", "variables")
            rule.finish()
            found.append(when)
        found += self._only()
        if manual:
            self._notes.add(
                f"`{self._name}` is started by hand at GitLab: here by a build that is started by hand", self._job.node
            )
            return {"event": ["manual"]}
        return {**_joined(found)}

    def _only(self) -> list[dict[str, list[str]]]:
        only, excluded = self._job.items("only"), self._job.items("except")
        names = [node.text for node in only if isinstance(node, Scalar)]
        words = {
            "branches": {},
            "tags": {"tag": ["*"]},
            "schedules": {"event": ["schedule"]},
            "web": {"event": ["manual"]},
        }
        words |= {"merge_requests": {"event": ["pull_request"]}, "pushes": {"event": ["push"]}}
        if any(not isinstance(node, Scalar) for node in (*only, *excluded)):
            self._notes.add("`only` and `except` with maps were not carried over", self._job.node)
        found: list[dict[str, list[str]]] = []
        for name in names:
            known = words.get(name)
            found.append(dict(known) if known is not None else {"branch": [_pattern(name)]})
        left_out = [
            f"!{_pattern(node.text)}" for node in excluded if isinstance(node, Scalar) and node.text not in words
        ]
        if left_out:
            found = [_joined(found) or {"branch": ["*"]}]
            found[0].setdefault("branch", ["*"]).extend(left_out)
        return found


def _condition(text: str) -> dict[str, list[str]] | None:
    """The `when` of a rule's condition; None where it is not understood."""
    text = text.strip()
    if not text:
        return {}
    if text == "$CI_COMMIT_TAG":
        return {"tag": ["*"]}
    if text == "$CI_COMMIT_BRANCH":
        return {}
    if found := re.fullmatch(
        r"\$CI_(?:COMMIT_BRANCH|COMMIT_REF_NAME) == (?:['\"]([^'\"]+)['\"]|\$CI_DEFAULT_BRANCH)", text
    ):
        return {"branch": [found[1] or "main"]}
    if found := re.fullmatch(r"\$CI_COMMIT_(BRANCH|TAG|REF_NAME) =~ /(.*)/", text):
        pattern = found[2] if found[2].startswith("^") or found[2].endswith("$") else f"^.*{found[2]}"
        return {"tag" if found[1] == "TAG" else "branch": [pattern]}
    if found := re.fullmatch(r"\$CI_PIPELINE_SOURCE == ['\"](\w+)['\"]", text):
        return {"event": [_EVENTS[found[1]]]} if found[1] in _EVENTS else None
    return None


def _joined(found: list[dict[str, list[str]]]) -> dict[str, list[str]]:
    """Any of these: only where they speak of one and the same thing can they be one `when`."""
    if not found or any(not one for one in found):
        return {}
    keys = {key for one in found for key in one}
    if len(found) > 1 and len(keys) > 1:
        return {}
    return {key: list(dict.fromkeys(value for one in found for value in one.get(key, []))) for key in sorted(keys)}


def _pattern(name: str) -> str:
    return name[1:-1] if len(name) > 2 and name.startswith("/") and name.endswith("/") else name


def _duration(text: str) -> str:
    units = {"h": "h", "hour": "h", "hours": "h", "m": "m", "min": "m", "mins": "m", "minute": "m", "minutes": "m"}
    units |= {"s": "s", "sec": "s", "second": "s", "seconds": "s"}
    parts = re.findall(r"(\d+)\s*([a-z]+)", text)
    return "".join(f"{number}{units[unit]}" for number, unit in parts if unit in units)


def _translated(line: str) -> str:
    """GitLab's names of variables as ours."""

    def name(found: re.Match[str]) -> str:
        word = found[1] or found[2]
        if word == "CI_PROJECT_DIR":
            return "/workspace"
        return f"${{{_VARIABLES[word]}}}" if word in _VARIABLES else found[0]

    return _USE.sub(name, line)


def _is_job(entry: Entry) -> bool:
    return entry.key not in _NO_JOBS and not entry.key.startswith(".") and isinstance(entry.node, MappingNode)


def _items(node: Node) -> list[Node]:
    return list(node.items) if isinstance(node, Sequence) else [node]


def _text(node: MappingNode, key: str) -> str:
    entry = node.get(key)
    return entry.node.text if entry and isinstance(entry.node, Scalar) else ""


def _merged(below: MappingNode, above: MappingNode) -> MappingNode:
    entries = {entry.key: entry for entry in below.entries}
    for entry in above.entries:
        old = entries.get(entry.key)
        if old and isinstance(old.node, MappingNode) and isinstance(entry.node, MappingNode):
            entry = Entry(entry.key, _merged(old.node, entry.node), entry.mark)
        entries[entry.key] = entry
    return MappingNode(tuple(entries.values()), above.mark)
