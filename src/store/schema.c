#include "store/schema.h"

#include <assert.h>
#include <string.h>

#include "store/schema_objects.h"

/* Every object of the file. SQLite keeps this text, comments included, in the file
 * itself: `sqlite3 results.db .schema` shows it. A change of any of it needs a new
 * STORE_FORMAT and a migration. */

#define HASH(column)                                                       \
    "  " column " TEXT NOT NULL CHECK (" column " = '' OR (length(" column \
    ") = 64\n    AND " column " NOT GLOB '*[^0-9a-f]*')),\n"

#define LEASE                                                                       \
    "CREATE TABLE lease (\n"                                                        \
    "  -- the process that trains a run; the row of one that has ended means "      \
    "nothing\n"                                                                     \
    "  run INTEGER PRIMARY KEY REFERENCES run (id),\n"                              \
    "  token TEXT NOT NULL CHECK (length(token) = 32), -- of whoever holds it\n"    \
    "  machine TEXT NOT NULL, -- the machine's own number; '' where it has none\n"  \
    "  place TEXT NOT NULL, -- the start of the system, and the namespace of pid\n" \
    "  host TEXT NOT NULL, -- the machine's name\n"                                 \
    "  pid INTEGER NOT NULL CHECK (pid > 0),\n"                                     \
    "  began INTEGER NOT NULL, -- when, as the system counts; -1: not known\n"      \
    "  renewed REAL NOT NULL\n"                                                     \
    ") STRICT"

#define DATA                                                                        \
    "CREATE TABLE data (\n"                                                         \
    "  -- a split's examples as figures were measured on them; the last row of a "  \
    "split\n"                                                                       \
    "  -- holds. stamp is of classes, names, sizes and times of the files, sha256 " \
    "of\n"                                                                          \
    "  -- classes, names and contents\n"                                            \
    "  id INTEGER PRIMARY KEY,\n"                                                   \
    "  task INTEGER NOT NULL REFERENCES task (position),\n"                         \
    "  split TEXT NOT NULL CHECK (split <> ''),\n"                                  \
    "  files INTEGER NOT NULL CHECK (files >= 0),\n"                                \
    "  size INTEGER NOT NULL CHECK (size >= 0), -- bytes\n" HASH("stamp")           \
        HASH("sha256") "  since REAL NOT NULL\n"                                    \
                       ") STRICT"

#define SELECTED                                                \
    "CREATE TABLE selected (\n"                                 \
    "  -- the solutions that are selected in the explorer\n"    \
    "  solution INTEGER PRIMARY KEY REFERENCES solution (id)\n" \
    ") STRICT"

#define VISITED                                                                 \
    "CREATE TABLE visited (\n"                                                  \
    "  -- preferences that were looked at in the explorer, for undo and redo\n" \
    "  place INTEGER PRIMARY KEY, -- in their order\n"                          \
    "  preference BLOB NOT NULL, -- as in solution\n"                           \
    "  here INTEGER NOT NULL CHECK (here IN (0, 1)) -- 1: the last one\n"       \
    ") STRICT"

#define NOTE                                                                       \
    "CREATE TABLE note (\n"                                                        \
    "  -- what someone wrote about a bookmark\n"                                   \
    "  bookmark INTEGER PRIMARY KEY REFERENCES bookmark (id) ON DELETE CASCADE,\n" \
    "  text TEXT NOT NULL CHECK (text <> '')\n"                                    \
    ") STRICT"

#define READING                                                                      \
    "CREATE TABLE reading (\n"                                                       \
    "  -- how the files of a task's examples are read, where the recipe says more\n" \
    "  task INTEGER PRIMARY KEY REFERENCES task (position),\n"                       \
    "  text TEXT NOT NULL, -- columns of a table by name; '': the usual\n"           \
    "  pair TEXT NOT NULL,\n"                                                        \
    "  label TEXT NOT NULL,\n"                                                       \
    "  quoting TEXT NOT NULL CHECK (quoting IN ('', 'csv', 'none')),\n"              \
    "  classes TEXT NOT NULL CHECK (classes IN ('', 'nested'))\n"                    \
    ") STRICT"

#define STAMP                                                                       \
    "CREATE TABLE stamp (\n"                                                        \
    "  -- the files of a model when their digest was taken: as long as they have\n" \
    "  -- this stamp they need not be read again\n"                                 \
    "  path TEXT PRIMARY KEY, -- of the model, as in recipe and expert\n" HASH(     \
        "sha256") HASH("stamp") "  since REAL NOT NULL\n"                           \
                                ") STRICT"

#define UNLABELLED                                             \
    "CREATE TABLE unlabelled (\n"                              \
    "  -- a task's examples for what learns without labels\n"  \
    "  task INTEGER PRIMARY KEY REFERENCES task (position),\n" \
    "  path TEXT NOT NULL CHECK (path <> '')\n"                \
    ") STRICT"

#define PRECISION                                                                    \
    "CREATE TABLE precision (\n"                                                     \
    "  -- of figures that were measured in less than bf16; all others have no row\n" \
    "  solution INTEGER NOT NULL,\n"                                                 \
    "  objective INTEGER NOT NULL,\n"                                                \
    "  split TEXT NOT NULL,\n"                                                       \
    "  name TEXT NOT NULL CHECK (name = 'fp8'),\n"                                   \
    "  UNIQUE (solution, objective, split),\n"                                       \
    "  FOREIGN KEY (solution, objective, split)\n"                                   \
    "    REFERENCES evaluation (solution, objective, split) ON DELETE CASCADE\n"     \
    ") STRICT"

static const struct schema_object objects[] = {
    {"recipe",
     "CREATE TABLE recipe (\n"
     "  -- one row: what recipe.yaml said; paths are absolute or relative to this "
     "file\n"
     "  id INTEGER PRIMARY KEY CHECK (id = 1),\n"
     "  name TEXT NOT NULL,\n"
     "  model TEXT NOT NULL, -- 'clip-vision', 'vit', 'gpt2-classifier'\n"
     "  text TEXT NOT NULL, -- the recipe as it was read\n"
     "  pretrained_path TEXT NOT NULL,\n"
     "  pretrained_size INTEGER NOT NULL CHECK (pretrained_size >= 0), -- bytes\n" HASH(
         "pretrained_sha256") "  created REAL NOT NULL -- times are Unix times\n"
                              ") STRICT"},
    {"task", "CREATE TABLE task (\n"
             "  -- positions 0..T-1, which are the order of every preference vector\n"
             "  position INTEGER PRIMARY KEY CHECK (position BETWEEN 0 AND 63),\n"
             "  name TEXT NOT NULL UNIQUE CHECK (name <> ''),\n"
             "  train_path TEXT NOT NULL, -- '' where there is none, as in the others\n"
             "  test_path TEXT NOT NULL,\n"
             "  head TEXT NOT NULL, -- '': the expert's own; 'zero-shot'; or a path\n"
             "  classnames_path TEXT NOT NULL,\n"
             "  templates_path TEXT NOT NULL\n"
             ") STRICT"},
    {"expert",
     "CREATE TABLE expert (\n"
     "  -- the fine-tuned model of a task; the last row of a task holds\n"
     "  id INTEGER PRIMARY KEY,\n"
     "  task INTEGER NOT NULL REFERENCES task (position),\n"
     "  path TEXT NOT NULL,\n"
     "  size INTEGER NOT NULL CHECK (size >= 0),\n" HASH("sha256") "  since REAL NOT "
                                                                   "NULL\n"
                                                                   ") STRICT"},
    {"objective", "CREATE TABLE objective (\n"
                  "  -- one a task, with the task's position\n"
                  "  position INTEGER PRIMARY KEY REFERENCES task (position),\n"
                  "  name TEXT NOT NULL CHECK (name <> ''),\n"
                  "  metric TEXT NOT NULL, -- 'accuracy'\n"
                  "  unit TEXT NOT NULL, -- '%'\n"
                  "  maximise INTEGER NOT NULL CHECK (maximise IN (0, 1))\n"
                  ") STRICT"},
    {"reference",
     "CREATE TABLE reference (\n"
     "  -- the hypervolume's reference points; the one with the highest change holds\n"
     "  change INTEGER NOT NULL CHECK (change >= 1),\n"
     "  objective INTEGER NOT NULL REFERENCES objective (position),\n"
     "  value REAL NOT NULL,\n"
     "  since REAL NOT NULL,\n"
     "  PRIMARY KEY (change, objective)\n"
     ") STRICT, WITHOUT ROWID"},
    {"run",
     "CREATE TABLE run (\n"
     "  -- a training run of routers, or of a full model (upscale '')\n"
     "  id INTEGER PRIMARY KEY,\n"
     "  method TEXT NOT NULL CHECK (method <> ''), -- 'ls', 'epo', 'mgda'\n"
     "  upscale TEXT NOT NULL, -- 'mlp', 'attn+mlp', 'all'\n"
     "  parameters TEXT NOT NULL, -- a JSON object\n"
     "  steps_done INTEGER NOT NULL CHECK (steps_done BETWEEN 0 AND 4294967295),\n"
     "  steps INTEGER NOT NULL CHECK (steps BETWEEN 0 AND 4294967295),\n"
     "  seconds REAL NOT NULL CHECK (seconds >= 0),\n"
     "  started REAL NOT NULL,\n"
     "  complete INTEGER NOT NULL CHECK (complete IN (0, 1)),\n"
     "  trainable INTEGER NOT NULL CHECK (trainable >= 0), -- numbers; 0: not known\n"
     "  peak_bytes INTEGER NOT NULL CHECK (peak_bytes >= 0) -- 0: not known\n"
     ") STRICT"},
    {"run_state", "CREATE TABLE run_state (\n"
                  "  -- what a run goes on from; only the last is kept\n"
                  "  run INTEGER PRIMARY KEY REFERENCES run (id),\n"
                  "  bytes BLOB NOT NULL\n"
                  ") STRICT"},
    {"curve", "CREATE TABLE curve (\n"
              "  -- training losses\n"
              "  run INTEGER NOT NULL REFERENCES run (id),\n"
              "  step INTEGER NOT NULL CHECK (step BETWEEN 0 AND 4294967295),\n"
              "  task INTEGER NOT NULL REFERENCES task (position),\n"
              "  loss REAL, -- NULL: was no number\n"
              "  PRIMARY KEY (run, step, task)\n"
              ") STRICT, WITHOUT ROWID"},
    {"routers",
     "CREATE TABLE routers (\n"
     "  -- all routers of one model at one training step\n"
     "  id INTEGER PRIMARY KEY,\n"
     "  run INTEGER NOT NULL REFERENCES run (id),\n"
     "  step INTEGER NOT NULL CHECK (step BETWEEN 0 AND 4294967295),\n"
     "  bytes BLOB NOT NULL CHECK (length(bytes) > 0), -- a safetensors file\n"
     "  UNIQUE (run, step)\n"
     ") STRICT"},
    {"solution",
     "CREATE TABLE solution (\n"
     "  -- how a model is made\n"
     "  id INTEGER PRIMARY KEY,\n"
     "  kind TEXT NOT NULL\n"
     "    CHECK (kind IN ('pwemoe', 'merge', 'single', 'train', 'import')),\n"
     "  method TEXT NOT NULL CHECK (method <> ''),\n"
     "  parameters TEXT NOT NULL, -- a JSON object, keys sorted, no spaces\n"
     "  preference BLOB, -- a number a task, 8 bytes IEEE 754, low byte first\n"
     "  preference_key REAL NOT NULL, -- a projection, to find near ones; -1 for NULL\n"
     "  routers INTEGER REFERENCES routers (id),\n"
     "  label TEXT NOT NULL,\n" HASH(
         "model_sha256") "  -- of the merged tensors\n"
                         "  created REAL NOT NULL,\n"
                         "  seconds REAL NOT NULL CHECK (seconds >= 0), -- of making "
                         "it; 0: not known\n"
                         "  peak_bytes INTEGER NOT NULL CHECK (peak_bytes >= 0) -- 0: "
                         "not known\n"
                         ") STRICT"},
    {"solution_identity",
     "CREATE UNIQUE INDEX solution_identity ON solution (\n"
     "  kind, method, parameters, ifnull(routers, 0), preference_key,\n"
     "  ifnull(preference, x''))"},
    {"solution_routers", "CREATE INDEX solution_routers ON solution (routers)"},
    {"evaluation",
     "CREATE TABLE evaluation (\n"
     "  -- a solution's figure in one objective, over examples of one split\n"
     "  solution INTEGER NOT NULL REFERENCES solution (id),\n"
     "  objective INTEGER NOT NULL REFERENCES objective (position),\n"
     "  split TEXT NOT NULL CHECK (split <> ''), -- 'test', 'train'\n"
     "  value REAL NOT NULL, -- in the objective's unit\n"
     "  low REAL NOT NULL CHECK (low <= value), -- 95 % interval\n"
     "  high REAL NOT NULL CHECK (high >= value),\n"
     "  examples INTEGER NOT NULL CHECK (examples >= 0), -- 0: imported, not known\n"
     "  complete INTEGER NOT NULL CHECK (complete IN (0, 1)), -- the whole split\n"
     "  stale INTEGER NOT NULL CHECK (stale IN (0, 1)), -- the model has changed\n"
     "  loss REAL, -- mean cross-entropy, NULL where unknown\n"
     "  time REAL NOT NULL,\n"
     "  PRIMARY KEY (solution, objective, split)\n"
     ") STRICT, WITHOUT ROWID"},
    {"correct",
     "CREATE TABLE correct (\n"
     "  -- a bit an example in the fixed order, low bit first; apart from evaluation,\n"
     "  -- so that lists need not read past it\n"
     "  solution INTEGER NOT NULL,\n"
     "  objective INTEGER NOT NULL,\n"
     "  split TEXT NOT NULL,\n"
     "  bits BLOB NOT NULL,\n"
     "  UNIQUE (solution, objective, split),\n"
     "  FOREIGN KEY (solution, objective, split)\n"
     "    REFERENCES evaluation (solution, objective, split) ON DELETE CASCADE\n"
     ") STRICT"},
    {"bookmark", "CREATE TABLE bookmark (\n"
                 "  id INTEGER PRIMARY KEY,\n"
                 "  name TEXT NOT NULL UNIQUE CHECK (name <> ''),\n"
                 "  preference BLOB, -- as in solution\n"
                 "  solution INTEGER REFERENCES solution (id),\n"
                 "  created REAL NOT NULL,\n"
                 "  CHECK (preference IS NOT NULL OR solution IS NOT NULL)\n"
                 ") STRICT"},
    {"lease", LEASE},
    {"data", DATA},
    {"selected", SELECTED},
    {"visited", VISITED},
    {"note", NOTE},
    {"reading", READING},
    {"stamp", STAMP},
    {"unlabelled", UNLABELLED},
    {"precision", PRECISION},
    {"log", "CREATE TABLE log (\n"
            "  -- what was done to this file\n"
            "  id INTEGER PRIMARY KEY,\n"
            "  time REAL NOT NULL,\n"
            "  text TEXT NOT NULL\n"
            ") STRICT"},
};
enum { OBJECTS = sizeof objects / sizeof *objects };
static_assert((int)OBJECTS <= (int)SCHEMA_OBJECTS_MAX,
              "what is seen has a place for each");

/* Those that format 1 had not, with the first that has them. */
static const struct {
    const char *name;
    int since;
} later[] = {{"lease", 2},   {"data", 3},       {"selected", 4},
             {"visited", 4}, {"note", 4},       {"reading", 5},
             {"stamp", 6},   {"unlabelled", 7}, {"precision", 8}};

const struct schema_object *schema_object_at(size_t i) {
    return i < OBJECTS ? &objects[i] : NULL;
}

bool schema_object_is_of(const struct schema_object *object, int format) {
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (strcmp(later[i].name, object->name) == 0)
            return later[i].since <= format;
    return true;
}

/* From each format to the next. */
const struct schema_migration schema_migrations[] = {
    {1, LEASE},                         /* format 2: leases of training runs */
    {2, DATA},                          /* format 3: what figures were measured on */
    {3, SELECTED ";" VISITED ";" NOTE}, /* format 4: what the explorer keeps */
    {4, READING},                       /* format 5: how examples are read */
    {5, STAMP},                         /* format 6: what models' files were */
    {6, UNLABELLED},                    /* format 7: examples without labels */
    {7, PRECISION},                     /* format 8: figures in fp8 */
};
const size_t schema_migration_count =
    sizeof schema_migrations / sizeof *schema_migrations;

static int set_format(struct store *store, int format, struct error *error) {
    char sql[64];
    sqlite3_snprintf((int)sizeof sql, sql, "PRAGMA user_version=%d", format);
    return sql_execute(store, sql, error);
}

int schema_number_file(struct store *store, int format, struct error *error) {
    char sql[64];
    sqlite3_snprintf((int)sizeof sql, sql, "PRAGMA application_id=%d",
                     SCHEMA_APPLICATION);
    return sql_execute(store, sql, error) || set_format(store, format, error) ? -1 : 0;
}

int schema_create(struct store *store, struct error *error) {
    if (schema_number_file(store, STORE_FORMAT, error))
        return -1;
    for (size_t i = 0; i < OBJECTS; i++)
        if (sql_execute(store, objects[i].sql, error))
            return -1;
    return 0;
}

int schema_pragma(struct store *store, const char *sql, int *value,
                  struct error *error) {
    return sql_one(store, error, "its header", sql_read_int, value, sql, "") < 0 ? -1
                                                                                 : 0;
}

int schema_migrate(struct store *store, const struct schema_migration *migrations,
                   size_t count, int to, struct error *error) {
    for (;;) {
        int format;
        if (sql_write_begin(store, error))
            return -1;
        int result = schema_pragma(store, "PRAGMA user_version", &format, error);
        bool done = result == 0 && format >= to;
        if (result == 0 && !done) {
            const struct schema_migration *migration = NULL;
            for (size_t i = 0; i < count; i++)
                if (migrations[i].from == format)
                    migration = &migrations[i];
            if (!migration)
                result = error_set(error, "%s: format %d cannot be upgraded to %d",
                                   store->path, format, to);
            else if (sql_execute(store, migration->sql, error) ||
                     set_format(store, format + 1, error))
                result = error_prefix(error, "upgrading format %d to %d", format,
                                      format + 1);
        }
        if (sql_write_end(store, result, error))
            return -1;
        if (done)
            return 0;
    }
}
