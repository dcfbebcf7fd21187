"""What this machine is set to: the settings that the engine and the checkout need, as plain values."""

from __future__ import annotations

from django.conf import settings

from runners.executors.config import ExecutorSettings


def executor_settings() -> ExecutorSettings:
    """The instance's settings for executors and for git."""
    return ExecutorSettings(
        name=settings.EXECUTOR,
        data_dir=settings.DATA_DIR,
        default_image=settings.DEFAULT_IMAGE,
        docker_url=settings.DOCKER_URL,
        memory_mb=settings.STEP_MEMORY_MB,
        cpus=settings.STEP_CPUS,
        pids=settings.STEP_PIDS,
        image_builder=settings.IMAGE_BUILDER,
        image_cache=settings.IMAGE_CACHE,
        image_cache_login=settings.IMAGE_CACHE_LOGIN,
        image_cache_gb=settings.IMAGE_CACHE_GB,
        private_engine=settings.PRIVATE_ENGINE,
        private_engine_image=settings.PRIVATE_ENGINE_IMAGE,
        private_engine_runtime=settings.PRIVATE_ENGINE_RUNTIME,
        private_engine_for_forks=settings.PRIVATE_ENGINE_FOR_FORKS,
        runtime=settings.CONTAINER_RUNTIME,
        allow_local_repositories=settings.ALLOW_LOCAL_REPOSITORIES,
        git_allowed_hosts=tuple(settings.GIT_ALLOWED_HOSTS),
        instance=settings.INSTANCE,
    )
