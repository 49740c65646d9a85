libpwemoe_a_SOURCES += \
  src/store/store.h \
  src/store/sql.h src/store/sql.c \
  src/store/statements.h src/store/statements.c \
  src/store/canonical.c \
  src/store/schema.h src/store/schema.c \
  src/store/schema_objects.h src/store/schema_check.c \
  src/store/connection.h src/store/create.h src/store/new_file.c \
  src/store/journals.h src/store/journals.c src/store/open.c \
  src/store/recipe.c \
  src/store/moved_paths.c \
  src/store/columns.c \
  src/store/data.c \
  src/store/run.c \
  src/store/lease.h src/store/lease.c \
  src/store/solution.h src/store/solution.c \
  src/store/evaluation.c \
  src/store/new_rows.c \
  src/store/row_memory.c \
  src/store/rows.h src/store/rows.c \
  src/store/bookmark.c src/store/looking.c
