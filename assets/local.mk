# assets
EXTRA_DIST += assets/paper
