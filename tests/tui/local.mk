# Tests: tui.
