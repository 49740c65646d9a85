# man
dist_man_MANS += man/pwemoe-explore.1
dist_man_MANS += man/pwemoe.1
