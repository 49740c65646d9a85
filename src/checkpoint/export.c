#include "checkpoint/export.h"

#include <stdlib.h>

#include "base/memory.h"
#include "checkpoint/export_files.h"
#include "checkpoint/export_tensors.h"
#include "checkpoint/folder.h"

struct model_files {
    const struct export_plan *plan;
    const struct work *work;
};

static int fill(void *self, const char *folder, const char *shown,
                struct error *error) {
    const struct model_files *filling = self;
    const struct export_plan *plan = filling->plan;
    const struct work *work = filling->work;
    char *path = text_format("%s/model.safetensors", folder);
    char *path_shown = text_format("%s/model.safetensors", shown);
    int result = path && path_shown
                     ? export_tensors_write(path, path_shown, plan, work, error)
                     : error_memory(error);
    free(path);
    free(path_shown);
    if (result == 0)
        result = export_files_write(folder, shown, plan, work, error);
    if (result == 0 && work_stopped(work))
        result = error_set(error, "stopped; nothing was written");
    return result;
}

int export_write(const char *path, const struct export_plan *plan,
                 const struct work *work, struct error *error) {
    struct model_files filling = {plan, work};
    if (export_files_check(plan, error) != 0)
        return -1;
    return folder_write(path, fill, &filling, error);
}
