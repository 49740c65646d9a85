# Tests of src/checkpoint.
