"""Whether operations are recorded: as contexts, calls and decorators, in generators and threads."""

import threading

import pytest

import tinygrad_edu as tg


@pytest.fixture(autouse=True)
def restored():
    """Every test leaves recording on."""
    yield
    found = tg.is_grad_enabled()
    tg.set_grad_enabled(True)
    assert found


def records():
    return (tg.ones(1, requires_grad=True) * 2).requires_grad


def test_no_grad_and_enable_grad_nest_and_restore():
    with tg.no_grad():
        assert not records()
        with tg.enable_grad():
            assert records()
            with tg.no_grad():
                assert not records()
            assert records()
        assert not records()
    assert records()


def test_they_restore_after_an_error():
    with pytest.raises(ZeroDivisionError), tg.no_grad():
        raise ZeroDivisionError
    assert records()


def test_one_object_can_be_entered_again_and_within_itself():
    context = tg.no_grad()
    with context:
        with context:
            assert not records()
        assert not records()
    assert records()
    with context:
        assert not records()


def test_set_grad_enabled_is_a_call_and_a_context(torch):
    for lib in (tg, torch):
        lib.set_grad_enabled(False)
        assert not lib.is_grad_enabled()
        lib.set_grad_enabled(True)
        with lib.set_grad_enabled(False):
            assert not lib.is_grad_enabled()
            with lib.set_grad_enabled(True):
                assert lib.is_grad_enabled()
            assert not lib.is_grad_enabled()
        assert lib.is_grad_enabled()


def test_inference_mode_takes_a_switch(torch):
    for lib in (tg, torch):
        for outside in (True, False):
            for switch, recorded in ((True, False), (False, True)):
                with lib.set_grad_enabled(outside):
                    with lib.inference_mode(switch):
                        assert lib.is_grad_enabled() is recorded
                    with lib.inference_mode(mode=switch):
                        assert lib.is_grad_enabled() is recorded
                    assert lib.is_grad_enabled() is outside


def test_a_mode_is_true_or_false(torch):
    for lib in (tg, torch):
        for wrong in ("no", 0, None):
            with pytest.raises(TypeError, match="set_grad_enabled"):
                lib.set_grad_enabled(wrong)
        assert lib.is_grad_enabled()


@pytest.mark.parametrize(
    "decorate, recorded",
    [
        (lambda: tg.inference_mode, False),
        (lambda: tg.inference_mode(False), True),
        (lambda: tg.no_grad, False),
        (lambda: tg.no_grad(), False),
        (lambda: tg.inference_mode(), False),
        (lambda: tg.enable_grad, True),
        (lambda: tg.set_grad_enabled(False), False),
    ],
)
def test_decorators_hold_during_the_call_and_keep_the_name(decorate, recorded):
    @decorate()
    def evaluate(value, *, scale=1):
        """Docs."""
        return records(), value * scale

    assert records()
    assert evaluate(3, scale=2) == (recorded, 6)
    assert (evaluate.__name__, evaluate.__doc__) == ("evaluate", "Docs.")
    with tg.no_grad():
        assert evaluate(1)[0] is recorded
        assert not records()


def test_a_decorated_function_may_call_itself():
    @tg.no_grad()
    def count(n):
        assert not records()
        return 0 if n == 0 else 1 + count(n - 1)

    assert count(5) == 5


def test_a_decorated_generator_records_nothing_while_its_caller_does():
    @tg.no_grad()
    def batches():
        sent = []
        while len(sent) < 3:
            assert not records()
            sent.append((yield len(sent)))
        return sent

    iterator = batches()
    assert next(iterator) == 0
    assert records()
    assert iterator.send("a") == 1
    assert records()
    assert iterator.send("b") == 2
    with pytest.raises(StopIteration) as stop:
        iterator.send("c")
    assert stop.value.value == ["a", "b", "c"]


def test_a_decorated_generator_is_closed_and_thrown_into_as_any_other():
    ended = []

    @tg.no_grad()
    def batches():
        try:
            yield 1
            yield 2
        except ValueError:
            yield "caught"
        finally:
            ended.append(records())

    iterator = batches()
    next(iterator)
    assert iterator.throw(ValueError()) == "caught"
    iterator.close()
    assert ended == [False]
    assert records()


def test_a_generator_that_ends_in_another_thread_restores_nothing_there():
    def batches():
        with tg.no_grad():
            yield 1
            yield 2

    iterator = batches()
    next(iterator)
    found = []
    thread = threading.Thread(target=lambda: (iterator.close(), found.append(records())))
    thread.start()
    thread.join()
    assert found == [True]
    tg.set_grad_enabled(True)


def test_each_thread_has_a_switch_of_its_own():
    found = []
    with tg.no_grad():
        thread = threading.Thread(target=lambda: found.append(records()))
        thread.start()
        thread.join()
        assert not records()
    assert found == [True]
