# Tests: gpu.
