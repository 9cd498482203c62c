"""How busy the GPUs are while perf/generation_vllm.py measures."""

import os
import subprocess
import threading
import time


class GpuMeter:
    """GPU utilisation by nvidia-smi, five times a second, in the background; nothing where there is none."""

    def __init__(self):
        query = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits"]
        if chosen := os.environ.get("CUDA_VISIBLE_DEVICES"):
            query += ["-i", chosen]
        query += ["-lms", "200"]
        self._rows: list[tuple[float, float, float]] = []
        try:
            self._process = subprocess.Popen(query, stdout=subprocess.PIPE, text=True)
        except OSError:
            self._process = None
            return
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self._process.stdout:
            try:
                use, memory = map(float, line.split(","))
            except ValueError:
                continue
            self._rows.append((time.time(), use, memory))

    def use(self, start: float, end: float) -> dict:
        """Mean use over the window and over its last ten seconds, in percent."""
        if not self._process:
            return {}

        def mean(start: float) -> float | None:
            use = [row[1] for row in self._rows if start <= row[0] <= end]
            return round(sum(use) / len(use), 1) if use else None

        return {"gpu_percent": mean(start), "gpu_percent_last_10_s": mean(end - 10)}

    def close(self) -> float | None:
        """Stop, and return the memory in use now, in MiB."""
        if not self._process:
            return None
        time.sleep(1)
        self._process.kill()
        return self._rows[-1][2] if self._rows else None
