/* What a backend has found out about its device by trial (backend.h: learnt), kept in
 * the user's cache: $XDG_CACHE_HOME/pwemoe or ~/.cache/pwemoe. A file appears whole or
 * not at all, and one that is damaged or of another card, driver or library is passed
 * over. */
#ifndef PWEMOE_BACKEND_LEARNT_H
#define PWEMOE_BACKEND_LEARNT_H

#include "backend/backend.h"

/* Best effort both: that there is no such file, or that it cannot be written, is no
 * failure. */
void learnt_read(struct backend *backend);
void learnt_write(struct backend *backend);

#endif
