libpwemoe_a_SOURCES += \
  src/train/trainer.h \
  src/train/adamerging.h src/train/adamerging.c \
  src/train/combine.h src/train/combine.c \
  src/train/epo.h src/train/epo.c \
  src/train/held_back.h src/train/held_back.c \
  src/train/host_state.h src/train/host_state.c \
  src/train/mgda.h src/train/mgda.c \
  src/train/hypervolume.h src/train/hypervolume.c \
  src/train/tchebycheff.h src/train/tchebycheff.c \
  src/train/optimiser.h src/train/optimiser.c \
  src/train/trained.h src/train/trained.c src/train/trained_ranks.c src/train/trained_state.c \
  src/train/sharing.h src/train/sharing.c \
  src/train/shared_layers.h src/train/shared_layers.c \
  src/train/task_batch.h src/train/task_batch.c \
  src/train/merged_pass.h src/train/merged_pass.c \
  src/train/factor_slopes.h src/train/factor_slopes.c \
  src/train/router_training.h src/train/router_training.c \
  src/train/finetuning.h src/train/finetuning.c \
  src/train/tensor_factors.h src/train/tensor_factors.c \
  src/train/factors.h src/train/factors.c \
  src/train/distillation.h src/train/distillation_routers.c src/train/distillation_make.c src/train/distillation_run.c \
  src/train/distillation_state.h src/train/distillation_start.c \
  src/train/distillation_look.c src/train/distillation_trainer.c \
  src/train/distillation_sharing.c src/train/distillation_heads.c
