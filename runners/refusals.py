"""Which steps can never run, whatever the runner: they need a service that asks for what no job is given."""

from __future__ import annotations

from collections.abc import Mapping

from runners.contract import PipelineSpec, ServiceSpec, StepSpec
from runners.errors import SpecError


class Refusals:
    """Of one pipeline."""

    def __init__(self, pipeline: PipelineSpec) -> None:
        self._services: Mapping[str, ServiceSpec] = {service.name: service for service in pipeline.services}
        self._some = any(service.refused for service in pipeline.services)

    def check(self, step: StepSpec) -> None:
        """SpecError where the step is refused, or its service, or one that runs beside it or lends it volumes."""
        if step.refused:
            raise SpecError(step.refused)
        if not self._some:
            return
        seen: set[str] = set()
        waiting = [step.service, step.dockercfg_service]
        while waiting:
            service = self._services.get(waiting.pop())
            if service is None or service.name in seen:
                continue
            if service.refused:
                raise SpecError(f"The service {service.name} cannot be used: {service.refused}")
            seen.add(service.name)
            waiting += [link.service for link in service.depends_on]
            waiting += [*service.volumes_from, service.dockercfg_service]
