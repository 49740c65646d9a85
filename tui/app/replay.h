/* A script of what a person does, replayed key by key, and written down as it is done.
 * One step a line, # begins a remark:
 *
 *     type T/alpha >= 80     each character is a key
 *     key Enter              one key by its name (terminal/key_names.h)
 *     paste 0.2,0.8          text as it is pasted; a tab stands for the end of a line
 *     click 40 12            a click at a column and a row, from 0
 *     drag 40 12 50 9        the left button from one place to another
 *     brush 40 12 50 9       the same with the right button
 *     wait measured          until this text is on the frame
 */
#ifndef PWEMOE_TUI_APP_REPLAY_H
#define PWEMOE_TUI_APP_REPLAY_H

#include <stdio.h>

#include "app/app.h"
#include "base/error.h"

struct replay;

/* Reads all of it; an error names the line. */
int replay_open(const char *path, struct replay **replay, struct error *error);
void replay_close(struct replay *replay); /* NULL is fine */

enum replay_state { REPLAY_DID, REPLAY_WAITS, REPLAY_DONE };
/* The next key, once a frame is drawn. */
enum replay_state replay_step(struct replay *replay, struct app *app);
/* Reports that a text waited for did not appear; always -1. */
int replay_late(const struct replay *replay, struct error *error);

/* One key, as a line of a script, at the end of a file; what is pasted and means
 * nothing is left out. */
void replay_note(FILE *file, int key, bool pasted);

#endif
