"""What brings a release to where it runs: one package a kind, each with its settings and its verbs."""

KINDS = (
    "ssh",
    "docker",
    "swarm",
    "compose",
    "heroku",
    "s3",
    "elastic_beanstalk",
    "code_deploy",
    "ecs",
    "kubernetes",
)
