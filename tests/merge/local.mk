# Tests of src/merge.
