# The explorer. Everything but main() is in a library of its own, for its tests.
noinst_LIBRARIES += libexplore.a
libexplore_a_SOURCES = \
  tui/palette.h tui/palette.c \
  tui/canvas.h tui/canvas.c \
  tui/plot.h tui/plot.c \
  tui/chart.h tui/chart.c \
  tui/layout.h tui/layout.c \
  tui/keys.h tui/keys.c \
  tui/catalog.h tui/catalog.c tui/catalog_source.c \
  tui/estimate.h tui/estimate.c \
  tui/price.h tui/price.c \
  tui/dialog.h tui/dialog.c \
  tui/model.h tui/model.c \
  tui/space.h tui/space.c \
  tui/mailbox.h tui/mailbox.c \
  tui/plotter.h tui/plotter.c \
  tui/volume.h tui/volume.c \
  tui/reader.h tui/reader.c \
  tui/worker.h tui/worker.c \
  tui/polygon.h tui/polygon.c \
  tui/simplex_view.h tui/simplex_view.c \
  tui/views.h tui/scatter_view.c tui/solid_view.c tui/parallel_view.c \
  tui/objectives_view.c tui/routing_view.c \
  tui/scaling_view.c tui/training_view.c tui/log_view.c tui/help_view.c \
  tui/compare_view.c tui/frame.c \
  tui/screen.h tui/screen.c \
  tui/app.h tui/app.c tui/actions.c tui/answers.c tui/bookmarks.c \
  tui/plotting.c
EXPLORE_LIBS = libexplore.a $(PWEMOE_LIBS) $(NCURSES_LIBS)

bin_PROGRAMS += pwemoe-explore
pwemoe_explore_SOURCES = tui/main.c
pwemoe_explore_LDADD = $(EXPLORE_LIBS)
