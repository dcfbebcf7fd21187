"""Steps and their logs over the API."""

from builds.models import Job


def test_a_build_without_jobs_has_no_steps(api, builds_url, make_build):
    assert api.get(f"{builds_url}/{make_build().uuid}/steps").json()["steps"] == []


def test_steps_are_trees(api, builds_url, make_step, make_build):
    build = make_build()
    for position, (path, kind) in enumerate(
        [("0", "run"), ("1", "parallel"), ("1.0", "run"), ("1.1", "serial"), ("1.1.0", "run")]
    ):
        make_step(build, path=path, position=position, name=path, kind=kind)
    trees = api.get(f"{builds_url}/{build.uuid}/steps").json()["steps"]
    shape = [(step["name"], [(inner["name"], len(inner["steps"])) for inner in step["steps"]]) for step in trees]
    assert shape == [("0", []), ("1", [("1.0", 0), ("1.1", 1)])]


def test_a_step_in_codeships_words_and_ours(api, builds_url, make_step):
    step = make_step(command="pytest", service="app", status="failed", exit_code=1, log_lines=7)
    build = step.job.build
    (shown,) = api.get(f"{builds_url}/{build.uuid}/steps").json()["steps"]
    assert (shown["type"], shown["name"], shown["command"], shown["service"]) == ("run", "unit", "pytest", "app")
    assert (shown["state"], shown["status"], shown["exit_code"], shown["log_lines"]) == ("failed", "error", 1, 7)
    assert shown["build_uuid"] == str(build.uuid)
    assert shown["log_url"] == f"http://testserver{builds_url}/{build.uuid}/steps/{step.uuid}/log"


def test_only_the_newest_attempt_is_listed(api, builds_url, make_step):
    first = make_step(name="lost")
    Job.objects.update(attempt=2)
    make_step(first.job.build, attempt=2, name="again")
    shown = api.get(f"{builds_url}/{first.job.build.uuid}/steps").json()["steps"]
    assert [step["name"] for step in shown] == ["again"]


def test_pipelines_follow_each_other(api, builds_url, make_build, make_step, organization):
    build = make_build()
    for position, name in enumerate(["b", "a"]):
        job = Job.objects.create(
            build=build, organization=organization, name=name, position=position, spec={}, attempt=1
        )
        make_step(job=job)
    deploy = Job.objects.create(build=build, organization=organization, name="d", kind="deployment", spec={}, attempt=1)
    make_step(job=deploy)
    shown = api.get(f"{builds_url}/{build.uuid}/steps").json()["steps"]
    assert [step["pipeline"] for step in shown] == ["b", "a"]


def test_a_list_of_steps_costs_three_queries(api, builds_url, make_build, make_step, django_assert_num_queries):
    build = make_build()
    for position in range(30):
        make_step(build, path=str(position), position=position)
    api.get(f"{builds_url}/{build.uuid}/steps")
    with django_assert_num_queries(3):
        api.get(f"{builds_url}/{build.uuid}/steps")
