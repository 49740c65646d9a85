libpwemoe_a_SOURCES += \
  src/parallel/behind.h src/parallel/behind.c \
  src/parallel/handout.h src/parallel/handout.c \
  src/parallel/module.h \
  src/parallel/ranks.h src/parallel/ranks_connection.c \
  src/parallel/ranks_state.h src/parallel/ranks_sums.c

# The MPI module: pwemoe-mpi.so in $(pkglibdir), opened at run time where mpirun has
# started the program. What a shared object is linked with is not what programs are.
EXTRA_DIST += src/parallel/mpi.c
if BUILD_MPI
mpimoduledir = $(pkglibdir)
mpimodule_DATA = src/parallel/pwemoe-mpi.so
CLEANFILES += src/parallel/pwemoe-mpi.so

src/parallel/pwemoe-mpi.so: src/parallel/mpi.c src/parallel/module.h
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(CC) -std=gnu11 -Wall -Wextra -Wshadow -Wconversion \
	  $(MPI_WARNINGS) -I$(top_srcdir)/src $(MPI_CFLAGS) $(CPPFLAGS) $(CFLAGS) \
	  -fPIC -fvisibility=hidden -shared -Wl,-z,relro -Wl,-z,now $(LDFLAGS) \
	  -o $@ $(srcdir)/src/parallel/mpi.c $(MPI_LIBS)
endif
