"""Leases: one holder at a time, given back by time or by hand, fenced by a token."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from handbill.work.actions import finish, finish_all, lease, standing_job
from handbill.work.models import Job

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


def jobs(count: int) -> None:
    Job.objects.bulk_create(Job(name=f"job-{n}", next_at=NOW - timedelta(minutes=count - n)) for n in range(count))


@pytest.mark.django_db
def test_the_earliest_due_rows_are_leased():
    jobs(3)
    Job.objects.create(name="later", next_at=LATER)
    Job.objects.create(name="never", next_at=None)
    assert [job.name for job in lease(Job.objects.all(), NOW, 60, 2)] == ["job-0", "job-1"]


@pytest.mark.django_db
def test_a_leased_row_is_nobody_elses_until_its_time_is_over():
    jobs(1)
    assert lease(Job.objects.all(), NOW, 60, 9)
    assert not lease(Job.objects.all(), NOW + timedelta(seconds=59), 60, 9)
    assert lease(Job.objects.all(), NOW + timedelta(seconds=60), 60, 9)


@pytest.mark.django_db
def test_who_lost_the_lease_writes_nothing():
    jobs(1)
    [slow] = lease(Job.objects.all(), NOW, 60, 1)
    [quick] = lease(Job.objects.all(), NOW + timedelta(seconds=61), 60, 1)
    assert not finish(slow, None)
    assert finish(quick, LATER)
    assert Job.objects.get().next_at == LATER


@pytest.mark.django_db
def test_many_rows_are_finished_together_each_fenced_by_its_lease():
    jobs(4)
    slow = lease(Job.objects.all(), NOW, 60, 1)
    taken = lease(Job.objects.all(), NOW + timedelta(seconds=61), 60, 4)
    finish_all([*((row, LATER, {}) for row in slow), (taken[0], None, {}), *((row, LATER, {}) for row in taken[1:])])
    assert list(Job.objects.order_by("name").values_list("next_at", "lease_until", "lease_token")) == [
        (None, None, ""),
        *[(LATER, None, "")] * 3,
    ]
    finish_all([])


@pytest.mark.django_db
def test_a_standing_job_is_held_by_one():
    with standing_job("build", NOW) as first, standing_job("build", NOW) as second:
        assert (first, second) == (True, False)
    with standing_job("build", NOW) as again:
        assert again


@pytest.mark.django_db
def test_a_standing_job_that_broke_waits_for_its_lease():
    with pytest.raises(RuntimeError), standing_job("build", NOW, seconds=60):
        raise RuntimeError
    with standing_job("build", NOW) as held:
        assert not held
    with standing_job("build", NOW + timedelta(seconds=61)) as held:
        assert held


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_share_the_rows_without_overlap():
    jobs(40)
    taken: list[list[str]] = []
    gate = Barrier(4)

    def work() -> None:
        gate.wait()
        taken.append([job.name for job in lease(Job.objects.all(), NOW, 60, 10)])
        connection.close()

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = [name for names in taken for name in names]
    assert len(names) == len(set(names)) == 40
