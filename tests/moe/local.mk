# Tests of src/moe.
