"""Asking many prompts at once with a coroutine, from a program that has none.

Decides: that a loop runs in a thread of its own, how many prompts are with it at a time, and
that closing leaves nothing behind. Does not know: who answers.
"""

import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, Self, TypeVar

from selfinstruct.engines.base import Completion, Prompt, failed
from selfinstruct.errors import SelfInstructError

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds that an abandoned prompt has to end: a stop shall take less than 10 in all."""


class Background:
    """An event loop in a thread; a context manager that ends both."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and wait for what it returns."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # an interrupt: nobody waits for it any more
            raise

    def answer(
        self,
        prompts: Iterable[Prompt | None],
        ask: Callable[[Prompt], Awaitable[Completion]],
        most: int,
    ) -> Iterator[Completion]:
        """Yield a completion for each prompt as it comes, with at most `most` in flight.

        What `ask` raises becomes the completion of its prompt, but for this program's own
        errors: those end the iteration, after what else has come.
        """
        done: queue.SimpleQueue[Completion | SelfInstructError] = queue.SimpleQueue()
        waiting = iter(prompts)
        in_flight: dict[str, Future[None]] = {}
        try:
            while True:
                while len(in_flight) < most and (prompt := next(waiting, None)) is not None:
                    work = _reported(prompt, ask, done)
                    in_flight[prompt.key] = asyncio.run_coroutine_threadsafe(work, self._loop)
                if not in_flight:
                    return
                completion = done.get()
                if isinstance(completion, SelfInstructError):
                    yield from _completions(done)
                    raise completion
                del in_flight[completion.key]
                yield completion
        finally:
            self.run(_abandon(in_flight.values()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """End what is left in the loop, stop it and wait for its thread."""
        if self._loop.is_closed():
            return
        self.run(_end_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _reported(
    prompt: Prompt,
    ask: Callable[[Prompt], Awaitable[Completion]],
    done: "queue.SimpleQueue[Completion | SelfInstructError]",
) -> None:
    """Ask one prompt and report what comes: a slot is never lost."""
    try:
        done.put(await ask(prompt))
    except SelfInstructError as error:
        done.put(error)
    except Exception as error:  # noqa: BLE001 (any fault of one prompt is its completion)
        done.put(failed(prompt, f"{type(error).__name__}: {error}"))


def _completions(
    done: "queue.SimpleQueue[Completion | SelfInstructError]",
) -> Iterator[Completion]:
    """Yield the completions that have come."""
    while not done.empty():
        if isinstance(completion := done.get(), Completion):
            yield completion


async def _abandon(futures: Iterable[Future[None]]) -> None:
    """Cancel what is in flight and wait until it has ended."""
    for future in futures:
        future.cancel()
    await asyncio.sleep(0)  # then the tasks behind them know of it
    cancelled = [task for task in asyncio.all_tasks() if _is_prompt(task) and task.cancelling()]
    if cancelled:
        await asyncio.wait(cancelled, timeout=PATIENCE)


async def _end_all() -> None:
    """Cancel what libraries, or an interrupt, have left in the loop."""
    mine = asyncio.current_task()
    tasks = [task for task in asyncio.all_tasks() if task is not mine]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=PATIENCE)


def _is_prompt(task: "asyncio.Task[Any]") -> bool:
    """Say whether a task asks one of our prompts: libraries have tasks of their own."""
    coroutine = task.get_coro()
    return getattr(coroutine, "cr_code", None) is _reported.__code__
