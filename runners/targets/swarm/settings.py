"""What a Swarm service is told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from runners.targets.docker.engine_settings import Duration, EngineSettings


class Settings(EngineSettings):
    """`swarm: {host: ssh://deploy@manager.example.com, service: shop_web, image: registry.example.com/shop:${CI_COMMIT_ID}}`."""

    service: str = Field(min_length=1, max_length=200, description="Its name; it has to be there. `host` is a manager.")
    image: str = Field(min_length=1, max_length=400, description="What is run; its digest is looked up once a release.")
    order: Literal["start-first", "stop-first"] = Field(
        default="start-first", description="Whether new tasks start before old ones end."
    )
    within: Duration = Field(default="15m", description="How long it may take until all tasks are new.")
