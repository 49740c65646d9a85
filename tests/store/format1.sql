-- A results.db of format 1 with one of everything, as `sqlite3 results.db .dump` wrote it,
-- and the two numbers that .dump leaves out.
PRAGMA application_id=1886874981;
PRAGMA user_version=1;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE recipe (
  -- one row: what recipe.yaml said; paths are absolute or relative to this file
  id INTEGER PRIMARY KEY CHECK (id = 1),
  name TEXT NOT NULL,
  model TEXT NOT NULL, -- 'clip-vision', 'vit', 'gpt2-classifier'
  text TEXT NOT NULL, -- the recipe as it was read
  pretrained_path TEXT NOT NULL,
  pretrained_size INTEGER NOT NULL CHECK (pretrained_size >= 0), -- bytes
  pretrained_sha256 TEXT NOT NULL CHECK (pretrained_sha256 = '' OR (length(pretrained_sha256) = 64
    AND pretrained_sha256 NOT GLOB '*[^0-9a-f]*')),
  created REAL NOT NULL -- times are Unix times
) STRICT;
INSERT INTO recipe VALUES(1,'three','vit',replace('name: three\n# a comment\n','\n',char(10)),'models/vit',123456789012,'0000000000000000000000000000000000000000000000000000000000000000',1795390973.2746045589);
CREATE TABLE task (
  -- positions 0..T-1, which are the order of every preference vector
  position INTEGER PRIMARY KEY CHECK (position BETWEEN 0 AND 63),
  name TEXT NOT NULL UNIQUE CHECK (name <> ''),
  train_path TEXT NOT NULL, -- '' where there is none, as in the others
  test_path TEXT NOT NULL,
  head TEXT NOT NULL, -- '': the expert's own; 'zero-shot'; or a path
  classnames_path TEXT NOT NULL,
  templates_path TEXT NOT NULL
) STRICT;
INSERT INTO task VALUES(0,'mnist','data/train','data/test images.gz','','','');
INSERT INTO task VALUES(1,'gtsrb','data/train','data/test images.gz','zero-shot','names.txt','');
INSERT INTO task VALUES(2,'cifar10','data/train','data/test images.gz','','','');
CREATE TABLE expert (
  -- the fine-tuned model of a task; the last row of a task holds
  id INTEGER PRIMARY KEY,
  task INTEGER NOT NULL REFERENCES task (position),
  path TEXT NOT NULL,
  size INTEGER NOT NULL CHECK (size >= 0),
  sha256 TEXT NOT NULL CHECK (sha256 = '' OR (length(sha256) = 64
    AND sha256 NOT GLOB '*[^0-9a-f]*')),
  since REAL NOT NULL
) STRICT;
INSERT INTO expert VALUES(1,0,'/abs/expert',1000,'0000000000000000000000000000000000000000000000000000000000000000',1795390973.2746045589);
INSERT INTO expert VALUES(2,1,'/abs/expert',1001,'0000000000000000000000000000000000000000000000000000000000000000',1795390973.2746045589);
INSERT INTO expert VALUES(3,2,'',0,'',1795390973.2746045589);
CREATE TABLE objective (
  -- one a task, with the task's position
  position INTEGER PRIMARY KEY REFERENCES task (position),
  name TEXT NOT NULL CHECK (name <> ''),
  metric TEXT NOT NULL, -- 'accuracy'
  unit TEXT NOT NULL, -- '%'
  maximise INTEGER NOT NULL CHECK (maximise IN (0, 1))
) STRICT;
INSERT INTO objective VALUES(0,'mnist','accuracy','%',1);
INSERT INTO objective VALUES(1,'gtsrb','accuracy','%',1);
INSERT INTO objective VALUES(2,'cifar10','accuracy','%',1);
CREATE TABLE reference (
  -- the hypervolume's reference points; the one with the highest change holds
  change INTEGER NOT NULL CHECK (change >= 1),
  objective INTEGER NOT NULL REFERENCES objective (position),
  value REAL NOT NULL,
  since REAL NOT NULL,
  PRIMARY KEY (change, objective)
) STRICT, WITHOUT ROWID;
INSERT INTO reference VALUES(1,0,0.0,1795390973.2746045589);
INSERT INTO reference VALUES(1,1,10.0,1795390973.2746045589);
INSERT INTO reference VALUES(1,2,20.0,1795390973.2746045589);
CREATE TABLE run (
  -- a training run of routers, or of a full model (upscale '')
  id INTEGER PRIMARY KEY,
  method TEXT NOT NULL CHECK (method <> ''), -- 'ls', 'epo', 'mgda'
  upscale TEXT NOT NULL, -- 'mlp', 'attn+mlp', 'all'
  parameters TEXT NOT NULL, -- a JSON object
  steps_done INTEGER NOT NULL CHECK (steps_done BETWEEN 0 AND 4294967295),
  steps INTEGER NOT NULL CHECK (steps BETWEEN 0 AND 4294967295),
  seconds REAL NOT NULL CHECK (seconds >= 0),
  started REAL NOT NULL,
  complete INTEGER NOT NULL CHECK (complete IN (0, 1)),
  trainable INTEGER NOT NULL CHECK (trainable >= 0), -- numbers; 0: not known
  peak_bytes INTEGER NOT NULL CHECK (peak_bytes >= 0) -- 0: not known
) STRICT;
INSERT INTO run VALUES(1,'ls','mlp','{}',0,2,0.0,1795390973.277563095,0,540,123456789);
CREATE TABLE run_state (
  -- what a run goes on from; only the last is kept
  run INTEGER PRIMARY KEY REFERENCES run (id),
  bytes BLOB NOT NULL
) STRICT;
INSERT INTO run_state VALUES(1,X'7374617465');
CREATE TABLE curve (
  -- training losses
  run INTEGER NOT NULL REFERENCES run (id),
  step INTEGER NOT NULL CHECK (step BETWEEN 0 AND 4294967295),
  task INTEGER NOT NULL REFERENCES task (position),
  loss REAL, -- NULL: was no number
  PRIMARY KEY (run, step, task)
) STRICT, WITHOUT ROWID;
INSERT INTO curve VALUES(1,1,0,2.5);
INSERT INTO curve VALUES(1,2,2,2.25);
CREATE TABLE routers (
  -- all routers of one model at one training step
  id INTEGER PRIMARY KEY,
  run INTEGER NOT NULL REFERENCES run (id),
  step INTEGER NOT NULL CHECK (step BETWEEN 0 AND 4294967295),
  bytes BLOB NOT NULL CHECK (length(bytes) > 0), -- a safetensors file
  UNIQUE (run, step)
) STRICT;
INSERT INTO routers VALUES(1,1,2,X'726f7574657273');
CREATE TABLE solution (
  -- how a model is made
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL
    CHECK (kind IN ('pwemoe', 'merge', 'single', 'train', 'import')),
  method TEXT NOT NULL CHECK (method <> ''),
  parameters TEXT NOT NULL, -- a JSON object, keys sorted, no spaces
  preference BLOB, -- a number a task, 8 bytes IEEE 754, low byte first
  preference_key REAL NOT NULL, -- a projection, to find near ones; -1 for NULL
  routers INTEGER REFERENCES routers (id),
  label TEXT NOT NULL,
  model_sha256 TEXT NOT NULL CHECK (model_sha256 = '' OR (length(model_sha256) = 64
    AND model_sha256 NOT GLOB '*[^0-9a-f]*')),
  -- of the merged tensors
  created REAL NOT NULL,
  seconds REAL NOT NULL CHECK (seconds >= 0), -- of making it; 0: not known
  peak_bytes INTEGER NOT NULL CHECK (peak_bytes >= 0) -- 0: not known
) STRICT;
INSERT INTO solution VALUES(1,'pwemoe','ls','{}',X'000000000000d03f000000000000d03f000000000000e03f',0.64057647468726353068,1,'','',1795390973.278591156,0.5,0);
CREATE TABLE evaluation (
  -- a solution's figure in one objective, over examples of one split
  solution INTEGER NOT NULL REFERENCES solution (id),
  objective INTEGER NOT NULL REFERENCES objective (position),
  split TEXT NOT NULL CHECK (split <> ''), -- 'test', 'train'
  value REAL NOT NULL, -- in the objective's unit
  low REAL NOT NULL CHECK (low <= value), -- 95 % interval
  high REAL NOT NULL CHECK (high >= value),
  examples INTEGER NOT NULL CHECK (examples >= 0), -- 0: imported, not known
  complete INTEGER NOT NULL CHECK (complete IN (0, 1)), -- the whole split
  stale INTEGER NOT NULL CHECK (stale IN (0, 1)), -- the model has changed
  loss REAL, -- mean cross-entropy, NULL where unknown
  time REAL NOT NULL,
  PRIMARY KEY (solution, objective, split)
) STRICT, WITHOUT ROWID;
INSERT INTO evaluation VALUES(1,1,'test',50.0,49.0,51.0,1000,1,0,0.25,1795390973.2788619995);
CREATE TABLE correct (
  -- a bit an example in the fixed order, low bit first; apart from evaluation,
  -- so that lists need not read past it
  solution INTEGER NOT NULL,
  objective INTEGER NOT NULL,
  split TEXT NOT NULL,
  bits BLOB NOT NULL,
  UNIQUE (solution, objective, split),
  FOREIGN KEY (solution, objective, split)
    REFERENCES evaluation (solution, objective, split) ON DELETE CASCADE
) STRICT;
INSERT INTO correct VALUES(1,1,'test',X'0102030000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000');
CREATE TABLE bookmark (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE CHECK (name <> ''),
  preference BLOB, -- as in solution
  solution INTEGER REFERENCES solution (id),
  created REAL NOT NULL,
  CHECK (preference IS NOT NULL OR solution IS NOT NULL)
) STRICT;
INSERT INTO bookmark VALUES(1,'here',X'000000000000d03f000000000000d03f000000000000e03f',1,1795390973.2791090011);
CREATE TABLE log (
  -- what was done to this file
  id INTEGER PRIMARY KEY,
  time REAL NOT NULL,
  text TEXT NOT NULL
) STRICT;
INSERT INTO log VALUES(1,1795390973.2793271541,'a line');
CREATE UNIQUE INDEX solution_identity ON solution (
  kind, method, parameters, ifnull(routers, 0), preference_key,
  ifnull(preference, x''));
CREATE INDEX solution_routers ON solution (routers);
COMMIT;
