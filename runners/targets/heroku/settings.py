"""What a deployment to Heroku is told; the names are CodeShip's."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from runners.targets.durations import Within


class Settings(BaseModel):
    """`heroku: {name: shop-production, api_key: "${HEROKU_API_KEY}"}`."""

    model_config = ConfigDict(extra="forbid")
    verbatim: ClassVar[frozenset[str]] = frozenset({"post_deploy"})

    name: str = Field(min_length=1, max_length=100, description="The app.")
    api_key: str = Field(
        default="",
        description="A key of the account, as ${NAME} of a secret. Default: the secret HEROKU_API_KEY.",
        json_schema_extra={"secret": True},
    )
    folder: str = Field(
        default=".",
        min_length=1,
        max_length=300,
        description="The folder of the checkout that is sent. Default: all of it.",
    )
    post_deploy: str = Field(
        default="",
        max_length=4000,
        description="A command for a one-off dyno of the new release, such as `rake db:migrate`. A status other than 0 fails the step.",
    )
    url: str = Field(default="", max_length=2000, description="Where the app is served. Default: what Heroku says.")
    check_url: bool | str = Field(
        default=False,
        description="A page that has to answer with 2xx once the release runs; `true` means `url`. `verify` can do more.",
    )
    force: bool = Field(
        default=False,
        description="Accepted from CodeShip; a build from sources always takes the place of what is there.",
    )
    backup: bool | str = Field(default=False, description="Not done here: see docs/deploying.md.")
    restore_from: str = Field(default="", description="Not done here: see docs/deploying.md.")
    api_url: str = Field(default="https://api.heroku.com", max_length=2000, description="Where Heroku's API is called.")
    within: Within = Field(default="30m", description="How long build, release and command may take together.")

    @model_validator(mode="after")
    def _no_databases(self) -> Self:
        if self.backup not in (False, "", "false"):
            raise ValueError(
                f"backup: databases are not saved by this target; put a step `heroku pg:backups:capture --app {self.name}` before it"
            )
        if self.restore_from:
            raise ValueError(
                f"restore_from: databases are not copied by this target; put a step `heroku pg:copy --app {self.name} …` before it"
            )
        return self
