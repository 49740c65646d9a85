libpwemoe_a_SOURCES += \
  src/model/config.h src/model/config.c src/model/config_compare.c \
  src/model/extras.h src/model/extras.c \
  src/model/block.h src/model/block.c \
  src/model/features.h src/model/features.c \
  src/model/feed.h src/model/feed.c \
  src/model/layout.h src/model/layout.c src/model/layout_load.c \
  src/model/layout_naming.h src/model/layout_naming.c \
  src/model/transformer.h src/model/transformer_state.h \
  src/model/transformer_forward.c src/model/transformer_backward.c \
  src/model/heads.h src/model/heads.c \
  src/model/saving.h src/model/saving.c \
  src/model/clip_text.h src/model/clip_text.c \
  src/model/zero_shot.h src/model/zero_shot.c
