# Tests of src/backend.
