"""GitHub Actions: the workflows of a repository as pipelines."""

from __future__ import annotations

import re
from collections.abc import Mapping

from builds.imports.notes import Imported, Note, Notes
from builds.imports.part import Part
from builds.imports.shell import Expressions, exports, first_of_matrix, glob, word
from builds.imports.writing import Value, to_yaml
from builds.pipeline import yaml
from builds.pipeline.nodes import Mapping as MappingNode
from builds.pipeline.nodes import Node, Scalar

FOLDER = ".github/workflows/"
DEFAULT_IMAGE = "ubuntu:24.04"
_SETUPS = {
    "actions/setup-python": ("python-version", "python", "3"),
    "actions/setup-node": ("node-version", "node", "22"),
    "actions/setup-go": ("go-version", "golang", "1"),
    "actions/setup-java": ("java-version", "eclipse-temurin", "21"),
    "ruby/setup-ruby": ("ruby-version", "ruby", "3"),
    "shivammathur/setup-php": ("php-version", "php", "8"),
    "actions-rust-lang/setup-rust-toolchain": ("toolchain", "rust", "1"),
    "dtolnay/rust-toolchain": ("toolchain", "rust", "1"),
}
_EVENTS = {"push": "push", "pull_request": "pull_request", "workflow_dispatch": "manual", "schedule": "schedule"}
_NO_VERSION = re.compile(r"[x*^~<>= ].*$|\.x$")
_CONDITIONS = (
    (re.compile(r"github\.ref(?:_name)? == '(?:refs/heads/)?([\w./-]+)'"), "branch"),
    (re.compile(r"github\.event_name == '(push|pull_request|schedule)'"), "event"),
    (re.compile(r"startsWith\(github\.ref, 'refs/tags/([\w.-]*)'\)"), "tag"),
)


def import_github(files: Mapping[str, str]) -> Imported:
    """The workflows (path: text) in the order of their paths. Raises ConfigError for what is not YAML."""
    pipelines: dict[str, Value] = {}
    services: dict[str, Value] = {}
    schedules: list[Value] = []
    notes: list[Note] = []
    for path in sorted(files):
        workflow = _Workflow(path, files[path], prefix=len(files) > 1)
        pipelines |= workflow.pipelines
        services |= workflow.services
        schedules += workflow.schedules
        notes += workflow.notes.found
    text = to_yaml({"services": services, "pipelines": pipelines, "schedule": schedules})
    return Imported(text, tuple(sorted(notes)))


class _Workflow:
    """One file."""

    def __init__(self, path: str, text: str, *, prefix: bool) -> None:
        self.notes = Notes(path)
        self.pipelines: dict[str, Value] = {}
        self.services: dict[str, Value] = {}
        self.schedules: list[Value] = []
        root = Part(yaml.read(text, path).root, self.notes)
        root.pass_over("name", "run-name", "permissions", "concurrency")
        stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        self._prefix = f"{stem}-" if prefix else ""
        self._when = self._read_on(root)
        self._expressions = Expressions(self.notes)
        self._env = root.pairs("env")
        defaults = root.part("defaults").part("run")
        jobs = root.parts("jobs")
        self._names = {name: self._prefix + name for name, _ in jobs}
        for name, job in jobs:
            if job.has("uses"):
                self.notes.add(f"the job `{name}` uses a workflow of elsewhere: it was left out", job.node)
                continue
            self.pipelines[self._names[name]] = _Job(self, name, job, defaults).pipeline()
        for schedule in self.schedules:
            if isinstance(schedule, dict):
                schedule["pipelines"] = list(self.pipelines)
        root.finish()

    def _read_on(self, root: Part) -> dict[str, Value]:
        """The `when` of all jobs; a key called `on` may have been read as a word of YAML's, so both are looked for."""
        entry = root.entry("on") or root.entry("true")
        if entry is None:
            return {}
        if not isinstance(entry.node, MappingNode):
            names = [node.text for node in getattr(entry.node, "items", (entry.node,)) if isinstance(node, Scalar)]
            return self._when_of({name: Part(None, self.notes) for name in names}, entry.node)
        return self._when_of({one.key: Part(one.node, self.notes, one.key) for one in entry.node.entries}, entry.node)

    def _when_of(self, events: dict[str, Part], place: Node) -> dict[str, Value]:
        known = [_EVENTS[name] for name in events if name in _EVENTS]
        for name in events:
            if name not in _EVENTS:
                self.notes.add(f"the event `{name}` was not carried over", place)
        push = events.get("push") or events.get("pull_request") or Part(None, self.notes)
        when: dict[str, Value] = {}
        branches, tags = push.texts("branches"), push.texts("tags")
        if tags and branches:
            self.notes.add(
                "branches and tags of `push` cannot be joined: it is for the branches; add a pipeline for tags",
                push.node,
            )
        if branches:
            when["branch"] = [glob(one) for one in branches]
        elif tags:
            when["tag"], known = [glob(one) for one in tags], ["tag" if one == "push" else one for one in known]
        paths = [glob(one) for one in push.texts("paths")]
        ignored = [f"!{glob(one)}" for one in push.texts("paths-ignore")]
        if paths or ignored:
            when["paths"] = paths or ["*", *ignored]
        push.pass_over("types")
        push.finish()
        if "schedule" in events:
            for item in _schedule_items(place):
                self._add_schedule(item)
        if set(known) != {"push"} and not {"push", "pull_request"} <= set(known):
            when["event"] = list(dict.fromkeys(known))
        return when

    def _add_schedule(self, item: Node) -> None:
        cron = Part(item, self.notes, "schedule").text("cron")
        if cron:
            self.schedules.append({"cron": cron})


def _schedule_items(place: Node) -> list[Node]:
    entry = place.get("schedule") if isinstance(place, MappingNode) else None
    return list(getattr(entry.node, "items", ())) if entry else []


class _Job:
    """One job."""

    def __init__(self, workflow: _Workflow, name: str, job: Part, defaults: Part) -> None:
        self._workflow, self._name, self._job = workflow, name, job
        self._notes, self._expressions = workflow.notes, workflow._expressions
        own = job.part("defaults").part("run")
        self._folder = own.text("working-directory") or defaults.text("working-directory")
        for part in (own, defaults):
            part.pass_over("shell")
        self._image = ""
        self._caches: list[Value] = []
        self._artifacts: list[str] = []

    def pipeline(self) -> dict[str, Value]:
        job = self._job
        job.pass_over("name", "permissions", "outputs", "concurrency", "runs-on")
        matrix = self._matrix()
        image = job.entry("container")
        self._image = _image_of(image.node, self._notes) if image else ""
        env, before = self._expressions.environment({**self._workflow._env, **job.pairs("env")}, job.node)
        steps = [step for node in job.items("steps") if (step := self._step(Part(node, self._notes, "step"), before))]
        if job.entry("environment"):
            self._notes.add(f"`environment` of `{self._name}`: consider an entry of `deployments`", job.node)
        if not self._image:
            self._image = DEFAULT_IMAGE
            self._notes.add(f"`{self._name}` runs in {DEFAULT_IMAGE}, without the tools of GitHub's machines", job.node)
        steps = self._beside_services(steps, matrix)
        made: dict[str, Value] = {
            "needs": [self._workflow._names.get(one, one) for one in job.texts("needs")],
            "when": self._when(),
            "image": self._expressions.matrix(self._image),
            "matrix": matrix,
            "environment": env,
            "timeout": f"{minutes}m" if (minutes := job.text("timeout-minutes")).isdigit() else "",
            "steps": steps or ["true"],
            "artifacts": self._artifacts,
            "cache": self._caches,
        }
        if job.text("continue-on-error") == "true":
            made["allow_failure"] = True
        job.finish()
        return made

    def _matrix(self) -> dict[str, Value]:
        strategy = self._job.part("strategy")
        strategy.pass_over("fail-fast", "max-parallel")
        part = strategy.part("matrix")
        found: dict[str, Value] = {}
        for entry in part.node.entries:
            if entry.key in ("include", "exclude"):
                rows = [Part(node, self._notes).node for node in part.items(entry.key)]
                found[entry.key] = [
                    {word(e.key): e.node.text for e in row.entries if isinstance(e.node, Scalar)} for row in rows
                ]
            elif values := part.texts(entry.key):
                found[word(entry.key)] = values
            else:
                part.entry(entry.key)
                self._notes.add(f"`{entry.key}` of the matrix is no list of texts: it was not carried over", entry)
        strategy.finish()
        return found

    def _when(self) -> dict[str, Value]:
        when = dict(self._workflow._when)
        condition = self._job.text("if")
        if condition:
            when |= self._condition(condition, self._job.node) or self._by_hand(condition)
        return when

    def _by_hand(self, condition: str) -> dict[str, Value]:
        self._notes.add(
            f"`if: {condition[:100]}` of `{self._name}` is not understood: it runs only when started by hand",
            self._job.node,
        )
        return {"event": ["manual"]}

    def _condition(self, text: str, place: Node) -> dict[str, Value] | None:
        """The `when` of a condition whose parts are all known; None otherwise."""
        text = text.strip().removeprefix("${{").removesuffix("}}").strip()
        when: dict[str, Value] = {}
        for part in text.split("&&"):
            if part.strip() in ("success()", "true"):
                continue
            for pattern, key in _CONDITIONS:
                if found := pattern.fullmatch(part.strip()):
                    when[key] = [f"{found[1]}*" if key == "tag" else found[1]]
                    break
            else:
                return None
        return when

    def _step(self, step: Part, before: list[str]) -> dict[str, Value] | str | None:
        if step.has("uses"):
            return self._action(step)
        name, script = step.text("name"), step.text("run")
        condition = step.text("if")
        when = self._condition(condition, step.node) if condition else {}
        step.pass_over("id")
        if when is None:
            self._notes.add(
                f"the step `{name or script[:40]}` was left out: `if: {condition[:100]}` is not understood", step.node
            )
            step.entry("env")
            step.pass_over("shell", "working-directory", "continue-on-error", "timeout-minutes")
            return None
        env, own = self._expressions.environment(step.pairs("env"), step.node)
        folder = step.text("working-directory") or self._folder
        lines = [*exports([*before, *own]), *([f"cd {self._expressions.shell(folder, step.node)}"] if folder else [])]
        made: dict[str, Value] = {
            "name": name,
            "run": "\n".join([*lines, self._expressions.shell(script, step.node)]),
            "environment": env,
            "when": when,
            "timeout": f"{minutes}m" if (minutes := step.text("timeout-minutes")).isdigit() else "",
        }
        if step.text("shell") not in ("", "bash", "sh"):
            self._notes.add("`shell` was not carried over: the step runs in sh", step.node)
        if step.text("continue-on-error") == "true":
            made["allow_failure"] = True
        step.finish()
        return (
            made
            if any(made[key] for key in ("name", "environment", "when", "timeout")) or len(made) > 5
            else str(made["run"])
        )

    def _action(self, step: Part) -> dict[str, Value] | None:
        action, _, _version = step.text("uses").partition("@")
        given = step.part("with")
        step.pass_over("name", "id", "if", "env", "with", "timeout-minutes", "continue-on-error")
        if action in _SETUPS:
            key, image, default = _SETUPS[action]
            version = (
                _NO_VERSION.sub("", (given.texts(key) or [""])[0]) if "{{" not in given.text(key) else given.text(key)
            )
            if self._image:
                self._notes.add(
                    f"{action}: the image is {self._image} already; put both tools into one image", step.node
                )
            else:
                self._image = f"{image}:{version or default}"
        elif action == "actions/cache" or action.startswith("actions/cache/"):
            self._add_cache(given, step)
        elif action == "actions/upload-artifact":
            self._artifacts += [line for line in given.text("path").split() if not line.startswith("!")]
        elif action == "actions/download-artifact":
            self._notes.add(
                "artifacts of the pipelines that it `needs` are in the checkout, at their own paths", step.node
            )
        elif action != "actions/checkout":
            self._notes.add(f"the action {action} was not carried over", step.node)
        return None

    def _add_cache(self, given: Part, step: Part) -> None:
        paths = [line for line in given.text("path").split() if not line.startswith(("~", "/", "!", ".."))]
        if not paths:
            self._notes.add(
                "a cache outside of the checkout was not carried over: point the tool into the checkout", step.node
            )
            return
        keys = [
            self._expressions.key(line, step.node) for line in given.text("restore-keys").split("\n") if line.strip()
        ]
        self._caches.append(
            {"key": self._expressions.key(given.text("key"), step.node), "paths": paths, "restore_keys": keys}
        )

    def _one_image(self, image: str, matrix: Mapping[str, Value]) -> str:
        image, fixed = first_of_matrix(image, matrix)
        for key in fixed:
            self._notes.add(f"the image of `{self._name}` is that of the first `{key}` for all", self._job.node)
        return image

    def _beside_services(
        self, steps: list[dict[str, Value] | str], matrix: dict[str, Value]
    ) -> list[dict[str, Value] | str]:
        """Steps of a job with services run in a service of their own, in one go: only there the others are beside it."""
        names = []
        for name, part in self._job.parts("services"):
            env, _ = self._expressions.environment(part.pairs("env"), part.node)
            self._workflow.services[name] = {"image": part.text("image"), "environment": env}
            part.pass_over("ports", "options", "credentials", "volumes")
            part.finish()
            names.append(name)
        if not names:
            return steps
        runner = f"{self._workflow._names[self._name]}-steps"
        self._notes.add(
            f"`{self._name}`: its services are reached by their names ({', '.join(names)}), not by localhost,"
            " and its steps run in one",
            self._job.node,
        )
        self._workflow.services[runner] = {
            "image": self._one_image(self._expressions.matrix(self._image), matrix),
            "depends_on": names,
            "volumes": [".:/workspace"],
            "working_dir": "/workspace",
        }
        scripts = [str(step["run"]) if isinstance(step, dict) else step for step in steps]
        environment = {k: v for step in steps if isinstance(step, dict) for k, v in _environment(step).items()}
        self._image = ""
        return [{"name": "all", "service": runner, "run": "\n".join(scripts) or "true", "environment": environment}]


def _environment(step: dict[str, Value]) -> dict[str, Value]:
    found = step.get("environment")
    return dict(found) if isinstance(found, Mapping) else {}


def _image_of(node: Node, notes: Notes) -> str:
    if isinstance(node, Scalar):
        return node.text
    part = Part(node, notes, "container")
    image = part.text("image")
    part.finish()
    return image
