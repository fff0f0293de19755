"""Work in a second thread."""

import threading

import pytest

from puppet.commands.bench import ahead


def test_items_come_in_order_and_one_is_made_beside_the_taker():
    threads = []

    def source():
        for k in range(50):
            threads.append(threading.current_thread())
            yield k

    for taken in (items := ahead(source())):
        assert len(threads) <= taken + 2  # the one that is taken, and the next
        if taken == 20:
            break
    items.close()
    assert len(threads) < 30 and len(set(threads)) == 1 and threads[0] is not threading.current_thread()
    assert not threads[0].is_alive()
    assert list(ahead(range(50))) == list(range(50))


def test_an_error_arrives_where_the_items_are_taken():
    def source():
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(ahead(source()))
