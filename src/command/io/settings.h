/* Settings: the rows of an option table that make a training run what it is. They are
 * typed as options, kept as the run's parameters (a JSON object) and read back when it
 * goes on; one row says for all of that their name, kind, bounds and default.
 *
 * A row is a setting of those kinds of run whose bits are in its `kept`. */
#ifndef PWEMOE_COMMAND_IO_SETTINGS_H
#define PWEMOE_COMMAND_IO_SETTINGS_H

#include <jansson.h>
#include <stdint.h>

#include "base/error.h"
#include "command/io/options.h"

/* Adds the settings of a kind of run to an object. Fails without memory. */
int settings_write(const struct option_spec *specs, const void *values, unsigned kind,
                   json_t *object, struct error *error);

/* From a stored object into values, whose other members stay. The file may be someone
 * else's: a value of another type, or out of bounds, is an error that names it. */
int settings_read(const struct option_spec *specs, void *values, unsigned kind,
                  const json_t *object, struct error *error);

/* What was typed (bits of rows) and is the setting of other kinds of run is an error;
 * what names this kind: "--method ls". */
int settings_belong(const struct option_spec *specs, uint64_t given, unsigned kind,
                    const char *what, struct error *error);

/* What was typed (bits of rows) for a run that goes on is what that has stored, or an
 * error that says both. */
int settings_agree(const struct option_spec *specs, const void *values, uint64_t given,
                   unsigned kind, const json_t *object, struct error *error);

#endif
