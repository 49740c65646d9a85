# The explorer. Everything but main() is in a library of its own, for its tests.
noinst_LIBRARIES += libexplore.a
libexplore_a_SOURCES = \
  tui/terminal/keys.h tui/terminal/key_names.h tui/terminal/key_names.c \
  tui/terminal/palette.h tui/terminal/palette.c \
  tui/terminal/canvas.h tui/terminal/canvas.c \
  tui/terminal/raster.h tui/terminal/raster.c \
  tui/terminal/links.h tui/terminal/links.c \
  tui/state/arrangement.h tui/state/arrangement.c \
  tui/state/dialog.h tui/state/dialog.c tui/state/dialog_draw.c \
  tui/state/range.h tui/state/range.c tui/state/space.h tui/state/space.c \
  tui/state/history.h tui/state/history.c \
  tui/state/axes.h tui/state/axes.c tui/state/filling.h tui/state/filling.c \
  tui/state/explorer.h tui/state/explorer.c tui/state/explorer_shown.c \
  tui/state/solution_table.h tui/state/solution_table.c \
  tui/state/selection.h tui/state/selection.c \
  tui/threads/mailbox.h tui/threads/mailbox.c \
  tui/threads/chart_writer.h tui/threads/chart_writer.c \
  tui/threads/similarity_reader.h tui/threads/similarity_reader.c \
  tui/threads/hypervolume.h tui/threads/hypervolume.c \
  tui/threads/watcher.h tui/threads/watcher.c \
  tui/threads/bookmark_change.h tui/threads/bookmark_change.c \
  tui/threads/file_change.h tui/threads/file_change.c \
  tui/threads/evaluation.h tui/threads/evaluation_thread.c tui/threads/evaluation_state.h \
  tui/threads/evaluation_open.c tui/threads/evaluation_model.c tui/threads/evaluation_fill.c \
  tui/state/polygon.h tui/state/polygon.c \
  tui/panels/graph.h tui/panels/graph.c tui/panels/graph_axis.h tui/panels/graph_axis.c tui/panels/places.h tui/panels/places.c \
  tui/panels/pointed_line.h tui/panels/pointed_line.c \
  tui/panels/scatter_points.h tui/panels/scatter_points.c \
  tui/panels/simplex_geometry.h tui/panels/simplex_geometry.c \
  tui/panels/simplex_view.h tui/panels/simplex_view.c \
  tui/panels/views.h tui/panels/scatter_view.c tui/panels/legend_view.c tui/panels/solid.h tui/panels/solid_view.c tui/panels/solid_labels.c \
  tui/panels/parallel.h tui/panels/parallel_view.c tui/panels/parallel_axes.c tui/panels/parallel_density.c \
  tui/panels/parallel_ticks.c \
  tui/panels/objectives_view.c tui/panels/heat.h tui/panels/heat.c tui/panels/routing_view.c tui/panels/similarity_view.c \
  tui/panels/scaling_view.c tui/panels/training_view.c tui/panels/log_view.c \
  tui/panels/compare_view.c tui/panels/table_view.c tui/panels/frame.c \
  tui/panels/footer.h tui/panels/footer.c \
  tui/terminal/restore.h tui/terminal/restore.c \
  tui/terminal/screen.h tui/terminal/screen.c tui/terminal/screen_keys.h tui/terminal/screen_keys.c \
  tui/app/app.h tui/app/app.c tui/app/actions.h tui/app/actions.c tui/app/moving.c \
  tui/app/asking.c tui/app/axis_keys.c tui/app/writing.c tui/app/filling.c tui/app/exporting.c tui/app/chart_dialog.c tui/app/bookmarks.c \
  tui/app/comparing.c tui/app/routers.c tui/app/viewing.c tui/app/pointing.c tui/app/panel_keys.c \
  tui/app/program.c tui/app/pointer.c tui/app/stepping.c tui/app/touring.c tui/app/replay.h tui/app/replay.c tui/app/settings.h tui/app/settings.c tui/app/table_keys.c tui/app/selecting.c \
  tui/options.h tui/options.c
EXPLORE_LIBS = libexplore.a $(PWEMOE_LIBS) $(NCURSES_LIBS)

bin_PROGRAMS += pwemoe-explore
pwemoe_explore_SOURCES = tui/main.c src/base/early.c
pwemoe_explore_LDADD = $(EXPLORE_LIBS)
