# Tests of src/command.
