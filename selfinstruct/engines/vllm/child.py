"""What runs first in each process that vLLM starts.

Decides: that the process ends when ours does, however that came about, and leaves Ctrl-C to us.
Does not know: what the process is for.
"""

import multiprocessing
import os
import signal
import threading
import time
import warnings

from selfinstruct.engines.vllm.processes import GRACE


def follow_parent() -> None:
    """End this process when the one that started it has ended."""
    while (parent := multiprocessing.parent_process()) is None:
        time.sleep(0.1)  # it is not known yet when this module runs
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__mp_main__":
    warnings.simplefilter("ignore")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    threading.Thread(target=follow_parent, name="follow-parent", daemon=True).start()
