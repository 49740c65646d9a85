/* What each run and each way of merging took, for `pwemoe report`. */
#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "command/work/report.h"

static double or_unknown(double value) {
    return value > 0 ? value : (double)NAN;
}

static double mebibytes(uint64_t bytes) {
    return or_unknown((double)bytes / (1 << 20));
}

/* Rows [count] of one sweep: seconds of a model on average, memory at most. */
static void sweep_row(const struct report *r, size_t sweep) {
    double seconds = 0;
    size_t known = 0;
    uint64_t peak = 0;
    for (size_t i = sweep; i != SIZE_MAX; i = r->next[i]) {
        const struct store_solution *s = &r->rows[i].solution;
        known += s->seconds > 0;
        seconds += s->seconds;
        if (s->peak_bytes > peak)
            peak = s->peak_bytes;
    }
    if (!known && !peak)
        return;
    page_cell(r->page, "%s", catalog_series(r->catalog, sweep)->name);
    page_number(r->page, (double)NAN, 0);
    page_number(r->page, (double)NAN, 0);
    page_number(r->page, known ? seconds / (double)known : (double)NAN, 3);
    page_number(r->page, mebibytes(peak), 0);
}

int report_costs(const struct report *r, struct error *error) {
    static const char *const headers[] = {"Method", "trainable parameters", "steps",
                                          "seconds", "peak memory (MiB)"};
    enum { COLUMNS = sizeof headers / sizeof *headers };
    page_heading(r->page, "Cost");
    page_paragraph(
        r->page,
        "Of a training run all its steps; of a merging method one model, on average "
        "over its coefficients, without reading files and measuring. Peak memory is, "
        "on a GPU, the device memory held at most since the command opened it; on the "
        "CPU, the physical memory of the whole process at most, models and examples "
        "that it held included. A dash: not known, or none.");
    page_table(r->page, COLUMNS, 1);
    page_table_csv(r->page, "costs", false);
    for (size_t i = 0; i < COLUMNS; i++)
        page_cell(r->page, "%s", headers[i]);
    for (size_t i = 0; i < r->count; i++)
        if (report_is_sweep(r, i) && r->sweep[i] == i)
            sweep_row(r, i);
    for (size_t n = 0; n < r->run_count; n++) {
        const struct store_run *run = &r->runs[n];
        char *name = series_run_name(run);
        if (!name)
            return error_memory(error);
        page_cell(r->page, "%s", name);
        free(name);
        page_number(r->page, or_unknown((double)run->trainable), 0);
        page_number(r->page, run->steps_done, 0);
        page_number(r->page, run->seconds, 1);
        page_number(r->page, mebibytes(run->peak_bytes), 0);
    }
    page_table_end(r->page);
    return 0;
}
