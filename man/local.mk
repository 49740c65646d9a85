# man
dist_man_MANS += man/pwemoe-explore.1
