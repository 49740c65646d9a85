libpwemoe_a_SOURCES +=
