libpwemoe_a_SOURCES += \
  src/eval/class_order.c \
  src/eval/commanded.h src/eval/commanded_state.h src/eval/commanded_run.c \
  src/eval/commanded_model.c src/eval/job_devices.h src/eval/job_devices.c \
  src/eval/metric_command.h src/eval/metric_command.c \
  src/eval/model_place.h src/eval/model_place.c \
  src/eval/class_reading.h src/eval/class_reading.c \
  src/eval/data_watch.h src/eval/data_watch.c \
  src/eval/task_check.h src/eval/task_check.c \
  src/eval/task_classes.h src/eval/task_classes.c \
  src/eval/interval.h src/eval/interval.c \
  src/eval/remarks.h src/eval/source_path.h src/eval/source_path.c \
  src/eval/similarity.h src/eval/similarity.c \
  src/eval/sources.h src/eval/sources.c \
  src/eval/task_heads.h src/eval/task_heads.c \
  src/eval/provenance.h src/eval/provenance.c \
  src/eval/running.h src/eval/held_out.h src/eval/held_out.c \
  src/eval/inputs.h src/eval/inputs.c \
  src/eval/finite.h src/eval/finite.c \
  src/eval/recorded.h src/eval/recorded.c \
  src/eval/forward.h src/eval/forward.c \
  src/eval/keeping.h src/eval/keeping.c \
  src/eval/evaluator.h src/eval/evaluator_state.h src/eval/evaluator_run.c \
  src/eval/evaluator_make.c src/eval/evaluator_method.c src/eval/evaluator_export.c
