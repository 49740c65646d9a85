# Tests of src/pareto.
