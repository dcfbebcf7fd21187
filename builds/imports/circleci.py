"""CircleCI: `.circleci/config.yml` as pipelines; its workflows say in which order and for which branches."""

from __future__ import annotations

import re
from collections.abc import Mapping

from builds.imports.notes import Imported, Notes
from builds.imports.part import Part
from builds.imports.shell import first_of_matrix, word
from builds.imports.writing import Value, to_yaml
from builds.pipeline import yaml
from builds.pipeline.nodes import Entry, Node, Scalar, Sequence
from builds.pipeline.nodes import Mapping as MappingNode

FILE = ".circleci/config.yml"
_PARAMETER = re.compile(r"<<\s*(?:parameters|matrix)\.([\w-]+)\s*>>")
_VARIABLES = {
    "CIRCLE_SHA1": "CI_COMMIT_ID",
    "CIRCLE_BRANCH": "CI_BRANCH",
    "CIRCLE_TAG": "CI_BRANCH",
    "CIRCLE_BUILD_NUM": "CI_BUILD_NUMBER",
    "CIRCLE_BUILD_URL": "CI_BUILD_URL",
    "CIRCLE_NODE_INDEX": "CI_NODE_INDEX",
    "CIRCLE_NODE_TOTAL": "CI_NODE_TOTAL",
    "CIRCLE_PROJECT_REPONAME": "CI_REPO_NAME",
    "CIRCLE_USERNAME": "CI_COMMITTER_USERNAME",
}
_USE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_DEPTH = 10


def import_circleci(text: str) -> Imported:
    """The pipelines of the file. Raises ConfigError for what is not YAML."""
    notes = Notes(FILE)
    made = _File(Part(yaml.read(text, FILE).root, notes), notes).document()
    return Imported(to_yaml(made), tuple(sorted(notes.found)))


class _File:
    """The file as a whole."""

    def __init__(self, root: Part, notes: Notes) -> None:
        self.notes = notes
        root.pass_over("version", "setup")
        self.jobs = {name: part.node for name, part in root.parts("jobs")}
        self.executors = {name: part.node for name, part in root.parts("executors")}
        self.commands = dict(root.parts("commands"))
        self.services: dict[str, Value] = {}
        self._workflows = root.parts("workflows")
        root.pass_over("parameters")
        root.finish()

    def document(self) -> dict[str, Value]:
        pipelines: dict[str, Value] = {}
        schedules: list[Value] = []
        for name, workflow in self._workflows:
            if name == "version" or not isinstance(workflow.node, MappingNode) or not workflow.node.entries:
                continue
            schedules += self._workflow(workflow, pipelines)
        if not self._workflows:
            for name in self.jobs:
                pipelines[name] = _Job(self, name, Part(None, self.notes)).pipeline()
        return {"services": self.services, "pipelines": pipelines, "schedule": schedules}

    def _workflow(self, workflow: Part, pipelines: dict[str, Value]) -> list[Value]:
        crons = []
        for node in workflow.items("triggers"):
            cron = Part(node, self.notes).part("schedule").text("cron")
            crons += [cron] if cron else []
        made = []
        for node in workflow.items("jobs"):
            name, use = _use(node, self.notes)
            if use.text("type") == "approval":
                self.notes.add(f"the approval `{name}` was not carried over: see `type: manual` of steps", node)
            elif name not in self.jobs:
                self.notes.add(f"the job `{name}` comes from an orb: it was not carried over", node)
            else:
                called = use.text("name") or name
                pipelines[called] = _Job(self, name, use).pipeline()
                made.append(called)
        for key in ("when", "unless"):
            if workflow.has(key):
                self.notes.add(f"`{key}` of a workflow was not carried over: its jobs run always", workflow.entry(key))
        workflow.pass_over("max_auto_reruns")
        workflow.finish()
        return [{"cron": cron, "pipelines": list(made)} for cron in crons]


def _use(node: Node, notes: Notes) -> tuple[str, Part]:
    """The name of a job in a workflow, and what is said of it there."""
    if isinstance(node, MappingNode) and node.entries:
        return node.entries[0].key, Part(node.entries[0].node, notes, node.entries[0].key)
    return (node.text if isinstance(node, Scalar) else ""), Part(None, notes)


class _Job:
    """One job as one workflow uses it."""

    def __init__(self, file: _File, name: str, use: Part) -> None:
        self._file, self._name, self._use, self._notes = file, name, use, file.notes
        node = file.jobs[name]
        self._matrix = self._read_matrix()
        given = {entry.key: entry.node.text for entry in use.node.entries if isinstance(entry.node, Scalar)}
        given |= {key: f"{{{{ matrix.{word(key)} }}}}" for key in self._matrix}
        self._job = Part(_filled(node, {**_defaults(node), **given}), self._notes, name)
        self._caches: dict[str, dict[str, Value]] = {}
        self._artifacts: list[str] = []
        self._folder = ""

    def _read_matrix(self) -> dict[str, Value]:
        matrix = self._use.part("matrix")
        matrix.pass_over("alias")
        parameters = matrix.part("parameters")
        found: dict[str, Value] = {entry.key: parameters.texts(entry.key) for entry in parameters.node.entries}
        matrix.finish()
        return found

    def pipeline(self) -> dict[str, Value]:
        job, use = self._job, self._use
        executor = self._executor()
        env = {**executor.pairs("environment"), **job.pairs("environment")}
        images = [Part(node, self._notes, "docker") for node in [*job.items("docker"), *executor.items("docker")]]
        self._folder = job.text("working_directory")
        job.pass_over("parameters", "resource_class", "shell", "circleci_ip_ranges", "description")
        executor.pass_over("resource_class", "shell", "working_directory", "parameters", "description")
        for part in (job, executor):
            for key in ("machine", "macos", "windows"):
                if part.has(key):
                    self._notes.add(
                        f"`{key}` of `{self._name}` was not carried over: it runs in a container", part.entry(key)
                    )
        steps = self._steps(job.items("steps"), 0)
        image, beside = self._images(images, env)
        if beside:
            steps = self._in_one(steps, image, beside, env)
        made: dict[str, Value] = {
            "needs": [_use(node, self._notes)[0] for node in use.items("requires")],
            "when": self._when(),
            "image": "" if beside else image,
            "matrix": {word(key): values for key, values in self._matrix.items()},
            "parallelism": int(count) if (count := job.text("parallelism")).isdigit() else "",
            "environment": {} if beside else env,
            "steps": steps or ["true"],
            "artifacts": list(dict.fromkeys(self._artifacts)),
            "cache": [cache for cache in self._caches.values() if cache.get("paths")],
        }
        if use.texts("context"):
            self._notes.add(f"contexts of `{self._name}`: set their variables among the project's secrets", use.node)
        use.pass_over("name", "type", "pre-steps", "post-steps")
        job.finish()
        executor.finish()
        return made

    def _executor(self) -> Part:
        entry = self._job.entry("executor")
        if entry is None:
            return Part(None, self._notes)
        name = entry.node.text if isinstance(entry.node, Scalar) else Part(entry.node, self._notes).text("name")
        node = self._file.executors.get(name)
        if node is None:
            self._notes.add(f"the executor `{name}` comes from an orb: it was not carried over", entry)
        return Part(_filled(node, _defaults(node)) if node else None, self._notes, name)

    def _images(self, images: list[Part], env: dict[str, str]) -> tuple[str, list[str]]:
        """The image that steps run in, and the names of those beside it."""
        names = []
        for part in images[1:]:
            image = part.text("image")
            name = part.text("name") or re.sub(r"\W", "-", image.rsplit("/", 1)[-1].split(":")[0])
            made: dict[str, Value] = {"image": image, "environment": {**part.pairs("environment")}}
            if command := part.texts("command"):
                made["command"] = command
            self._file.services[name] = made
            part.pass_over("auth", "user")
            part.finish()
            names.append(name)
        if images:
            env |= images[0].pairs("environment")
            images[0].pass_over("auth", "user", "name")
        return (images[0].text("image") if images else ""), names

    def _in_one(self, steps: list[Value], image: str, beside: list[str], env: Mapping[str, str]) -> list[Value]:
        """Steps with containers beside them run in a service, in one go: only there the others are beside it."""
        runner = f"{self._name}-steps"
        self._notes.add(
            f"`{self._name}`: {', '.join(beside)} are reached by these names, not by localhost, and its steps run in one",
            self._job.node,
        )
        self._file.services[runner] = {
            "image": self._one_image(image, {word(key): values for key, values in self._matrix.items()}),
            "depends_on": beside,
            "volumes": [".:/workspace"],
            "working_dir": "/workspace",
            "environment": dict(env),
        }
        scripts = [str(step["run"]) if isinstance(step, dict) else str(step) for step in steps]
        return [{"name": "all", "service": runner, "run": "\n".join(scripts) or "true"}]

    def _one_image(self, image: str, matrix: Mapping[str, Value]) -> str:
        image, fixed = first_of_matrix(image, matrix)
        for key in fixed:
            self._notes.add(f"the image of `{self._name}` is that of the first `{key}` for all", self._job.node)
        return image

    def _steps(self, nodes: list[Node], depth: int) -> list[Value]:
        steps: list[Value] = []
        for node in nodes:
            name, value = _step(node)
            if name in self._file.commands and depth < _DEPTH:
                command = self._file.commands[name]
                given = Part(value, self._notes).node
                texts = {entry.key: entry.node.text for entry in given.entries if isinstance(entry.node, Scalar)}
                filled = Part(_filled(command.node, {**_defaults(command.node), **texts}), self._notes)
                steps += self._steps(filled.items("steps"), depth + 1)
            elif (step := self._plain(name, value, node)) is not None:
                steps.append(step)
        return steps

    def _plain(self, name: str, value: Node | None, node: Node) -> Value | None:
        part = Part(value, self._notes, name)
        if name == "run":
            return self._run(value, part)
        if name in ("save_cache", "restore_cache"):
            self._cache(name, part)
        elif name in ("store_artifacts", "store_test_results"):
            if path := _inside(part.text("path")):
                self._artifacts.append(path)
        elif name == "persist_to_workspace":
            root = _inside(part.text("root")) or "."
            paths = [f"{root}/{path}".removeprefix("./") for path in part.texts("paths")]
            self._artifacts += [path.rstrip("/") for path in paths]
        elif name == "attach_workspace":
            self._notes.add("what other jobs kept is in the checkout already, at the same paths", node)
        elif name not in ("checkout", ""):
            self._notes.add(f"the step `{name}` was not carried over", node)
        return None

    def _run(self, value: Node | None, part: Part) -> Value:
        command = value.text if isinstance(value, Scalar) else part.text("command")
        when = "" if isinstance(value, Scalar) else part.text("when")
        if when in ("on_fail", "always"):
            self._notes.add(f"`when: {when}` of a step was not carried over", part.node)
        folder = part.text("working_directory") or ("" if self._folder in ("~", "~/project", ".") else self._folder)
        part.pass_over("shell", "no_output_timeout", "background", "name", "environment", "command")
        if part.text("background") == "true":
            self._notes.add("`background` was not carried over: end the line with &", part.node)
        part.finish()
        script = _translated(command).strip("\n")
        folder = folder.removeprefix("~/project/").removeprefix("~/")
        run = f"cd {folder}\n{script}" if folder else script
        made: dict[str, Value] = {"name": part.text("name"), "run": run, "environment": part.pairs("environment")}
        return made if made["name"] or made["environment"] else run

    def _cache(self, name: str, part: Part) -> None:
        keys = [_key(text) for text in (part.texts("keys") or [part.text("key")]) if text]
        paths = [path for one in part.texts("paths") if (path := _inside(one))]
        if name == "save_cache" and not paths:
            self._notes.add(
                "a cache outside of the checkout was not carried over: point the tool into the checkout", part.node
            )
            return
        if not keys:
            return
        cache = self._caches.setdefault(keys[0], {"key": keys[0], "paths": []})
        if paths:
            cache["paths"] = paths
        if len(keys) > 1:
            cache["restore_keys"] = keys[1:]

    def _when(self) -> dict[str, Value]:
        filters = self._use.part("filters")
        branches, tags = filters.part("branches"), filters.part("tags")
        only = [_pattern(one) for one in branches.texts("only")]
        ignored = [f"!{_pattern(one)}" for one in branches.texts("ignore")]
        filters.finish()
        if (only or ignored) and tags.texts("only"):
            self._notes.add(
                f"branches and tags of `{self._name}` cannot be joined: it is for the branches", filters.node
            )
        if only or (ignored and ignored != ["!^.*$"]):
            return {"branch": only or ["*", *ignored]}
        return {"tag": [_pattern(one) for one in tags.texts("only")]} if tags.texts("only") else {}


def _step(node: Node) -> tuple[str, Node | None]:
    if isinstance(node, MappingNode) and node.entries:
        return node.entries[0].key, node.entries[0].node
    return (node.text, None) if isinstance(node, Scalar) else ("", None)


def _defaults(node: Node) -> dict[str, str]:
    """The defaults of its parameters."""
    entry = node.get("parameters") if isinstance(node, MappingNode) else None
    found = {}
    for one in entry.node.entries if entry and isinstance(entry.node, MappingNode) else ():
        default = one.node.get("default") if isinstance(one.node, MappingNode) else None
        if default and isinstance(default.node, Scalar):
            found[one.key] = default.node.text
    return found


def _filled(node: Node, values: Mapping[str, str]) -> Node:
    """A copy with `<< parameters.name >>` replaced."""
    if isinstance(node, Scalar):
        text = _PARAMETER.sub(lambda hole: values.get(hole[1], ""), node.text) if "<<" in node.text else node.text
        return node if text == node.text else Scalar(text, node.mark)
    if isinstance(node, Sequence):
        return Sequence(tuple(_filled(item, values) for item in node.items), node.mark)
    return MappingNode(tuple(Entry(one.key, _filled(one.node, values), one.mark) for one in node.entries), node.mark)


def _key(text: str) -> str:
    text = re.sub(r"\{\{\s*checksum\s+\"([^\"]+)\"\s*\}\}", r"{{ checksum '\1' }}", text)
    text = re.sub(r"\{\{\s*\.Branch\s*\}\}", "{{ branch }}", text)
    text = re.sub(r"\{\{\s*\.Revision\s*\}\}", "{{ commit }}", text)
    return re.sub(r"\{\{\s*\.?(?:Environment\.\w+|epoch|BuildNum)\s*\}\}", "", text)


def _inside(path: str) -> str:
    """A path of the checkout; "" where it lies elsewhere."""
    path = path.removeprefix("~/project/").removeprefix("./").rstrip("/")
    return "" if path.startswith(("/", "~", "..")) else path


def _pattern(text: str) -> str:
    if len(text) > 2 and text.startswith("/") and text.endswith("/"):
        inner = text[1:-1]
        return (
            inner if inner.startswith("^") and inner.endswith("$") else f"^{inner.removeprefix('^').removesuffix('$')}$"
        )
    return text


def _translated(text: str) -> str:
    """CircleCI's names of variables as ours."""
    return _USE.sub(lambda f: f"${{{_VARIABLES[w]}}}" if (w := f[1] or f[2]) in _VARIABLES else f[0], text)
