"""Work in a second thread."""

import threading

import pytest

from puppet.core.ahead import ahead


def test_items_come_in_order_and_the_thread_ends():
    with ahead(range(50), depth=3) as items:
        assert list(items) == list(range(50))
    assert "ahead" not in [thread.name for thread in threading.enumerate()]


def test_never_more_than_depth_items_wait():
    made = []

    def source():
        for k in range(100):
            made.append(k)
            yield k

    with ahead(source(), depth=2) as items:
        for taken in items:
            assert len(made) <= taken + 1 + 2 + 1  # taken, waiting in the queue, and one in the maker's hand
            if taken == 20:
                break
    assert len(made) < 30
    assert "ahead" not in [thread.name for thread in threading.enumerate()]


def test_an_error_arrives_where_the_items_are_taken():
    def source():
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"), ahead(source(), depth=2) as items:
        for _ in items:
            pass
