"""What keeps the picture on time beside other work: precedence, and no pause of the garbage collector."""

import gc
import os
import threading

import pytest

from puppet.core.memory import spared_from_collection
from puppet.core.precedence import precedence


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="this system has no niceness")
def test_precedence_ends_where_it_began_and_holds_for_threads_that_begin_meanwhile():
    def now():
        return os.getpriority(os.PRIO_PROCESS, 0)

    before, within = now(), []
    with pytest.raises(RuntimeError), precedence():
        thread = threading.Thread(target=lambda: within.append(now()))
        thread.start()
        thread.join()
        within.append(now())
        raise RuntimeError
    assert now() == before
    assert within[0] == within[1] <= before


def test_what_there_is_is_spared_from_collection_and_what_comes_is_not():
    class Ring:
        pass

    with spared_from_collection():
        assert gc.get_freeze_count() > 1000
        ring = Ring()
        ring.self, number = ring, id(ring)
        del ring
        gc.collect()
        assert not any(id(thing) == number and isinstance(thing, Ring) for thing in gc.get_objects())
    assert gc.get_freeze_count() == 0
