/* Charts as files: sizes, fonts, themes, legends, and figures that are no numbers. */
#define _GNU_SOURCE /* memmem */
#include <cairo.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../support/folder.h"
#include "base/random.h"
#include "plot/kinds.h"
#include "plot/legend.h"

enum { TASKS = 12, MOST = 3000 };

static double values[MOST * TASKS], none[TASKS];
static struct plot_point points[MOST];
static const char *const names[TASKS] = {
    "MNIST (%)",    "FashionMNIST (%)",  "GTSRB (%)",          "CIFAR-10 (%)",
    "textures (%)", "Stanford Cars (%)", "RESISC45 (%)",       "SVHN (%)",
    "EuroSAT (%)",  "SUN397 (%)",        "ImageNet-1k V2 (%)", "pets and flowers (%)"};
static const struct plot_series series[] = {
    {.name = "routers",
     .mark = MARK_FRONT,
     .ink = INK_FRONT,
     .front = true,
     .many = true},
    {.name = "simple average", .mark = MARK_AVERAGE, .ink = INK_SERIES, .front = true},
    {.name = "here (measured)", .mark = MARK_NOW, .ink = INK_NOW, .now = true}};

/* `count` models of one series, then a baseline, then what is looked at. */
static struct plot_cloud make_cloud(size_t count) {
    struct random random;
    random_seed(&random, 1, 0);
    for (size_t k = 0; k < TASKS; k++)
        none[k] = NAN;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < TASKS; k++)
            values[i * TASKS + k] = 50 + 40 * random_uniform(&random);
        points[i] = (struct plot_point){.series = i + 2 < count ? 0 : i + 3 - count,
                                        .values = values + i * TASKS,
                                        .low = none,
                                        .high = none,
                                        .dimmed = i % 3 == 0};
    }
    return (struct plot_cloud){.objectives = names,
                               .objective_count = TASKS,
                               .alike = true,
                               .series = series,
                               .series_count = 3,
                               .points = points,
                               .count = count};
}

static unsigned number_at(const unsigned char *bytes) {
    return (unsigned)bytes[0] << 24 | (unsigned)bytes[1] << 16 |
           (unsigned)bytes[2] << 8 | bytes[3];
}

/* 3.5 by 2.5 inches at 300 dots: the pixels, and the dots a metre in the file. */
static void a_png_says_how_large_it_is(void **state) {
    (void)state;
    struct plot_cloud cloud = make_cloud(60);
    struct plot_png png;
    struct plot_page page = {
        .width = 252, .height = 180, .dpi = 300, .font = 8, .png = &png};
    struct error error;
    assert_int_equal(plot_scatter(&page, &cloud, 0, 1, &error), 0);
    assert_true(png.size > 100);
    assert_int_equal(number_at(png.data + 16), 1050);
    assert_int_equal(number_at(png.data + 20), 750);
    assert_memory_equal(png.data + 33 + 4, "pHYs", 4);
    assert_int_equal(number_at(png.data + 33 + 8), 11811);
    assert_int_equal(png.data[33 + 16], 1);
    free(png.data);
}

static char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    static char bytes[1 << 22];
    *size = fread(bytes, 1, sizeof bytes - 1, file);
    bytes[*size] = '\0';
    fclose(file);
    return bytes;
}

static bool holds(const char *bytes, size_t size, const char *text) {
    return memmem(bytes, size, text, strlen(text)) != NULL;
}

/* An SVG draws its letters as shapes, a PDF holds its font. */
static void no_reader_needs_the_fonts(void **state) {
    (void)state;
    struct plot_cloud cloud = make_cloud(60);
    struct plot_page page = {.title = "a title", .width = 960, .height = 600};
    struct error error;
    char path[4200];
    size_t size;
    page.path = path;
    snprintf(path, sizeof path, "%s/a.svg", folder());
    assert_int_equal(plot_parallel(&page, &cloud, &error), 0);
    const char *bytes = read_file(path, &size);
    assert_true(holds(bytes, size, "glyph"));
    assert_false(holds(bytes, size, "<text") || holds(bytes, size, "font-family"));
    assert_false(holds(bytes, size, "<image"));
    snprintf(path, sizeof path, "%s/a.pdf", folder());
    assert_int_equal(plot_parallel(&page, &cloud, &error), 0);
    bytes = read_file(path, &size);
    assert_true(holds(bytes, size, "/FontFile"));
}

/* Thousands of lines are one picture: the file does not grow by each of them. */
static void thousands_of_lines_are_a_picture(void **state) {
    (void)state;
    struct plot_page page = {.width = 960, .height = 600};
    struct error error;
    char path[4200];
    size_t size;
    page.path = path;
    snprintf(path, sizeof path, "%s/many.svg", folder());
    struct plot_cloud cloud = make_cloud(MOST);
    assert_int_equal(plot_parallel(&page, &cloud, &error), 0);
    const char *bytes = read_file(path, &size);
    assert_true(holds(bytes, size, "<image"));
    size_t strokes = 0;
    for (const char *at = bytes; (at = strstr(at, "<path")); at++)
        strokes++;
    /* Glyphs, axes, ticks and the few that stand out; 3,000 lines would be more. */
    assert_true(strokes < 400);
}

/* A line has no more corners than pixels can show, and keeps what stands out. */
static void a_line_of_many_points_is_a_short_path(void **state) {
    (void)state;
    enum { LONG = 100000, SPIKE = 70001 };
    struct plot_page page = {.width = 960, .height = 600};
    struct error error;
    char path[4200];
    size_t size;
    double *x = malloc(LONG * sizeof *x), *y = malloc(LONG * sizeof *y);
    assert_true(x && y);
    struct random random;
    random_seed(&random, 1, 0);
    for (size_t i = 0; i < LONG; i++) {
        x[i] = (double)i;
        y[i] = i == SPIKE ? 1 : i == SPIKE + 1 ? -1 : 0.001 * random_uniform(&random);
    }
    x[LONG / 2] = NAN;
    const struct plot_line line = {.name = "a", .x = x, .y = y, .count = LONG};
    const struct plot_panel panel = {.lines = &line, .count = 1};
    const struct plot_grid grid = {.panels = &panel, .panel_count = 1};
    page.path = path;
    snprintf(path, sizeof path, "%s/long.svg", folder());
    assert_int_equal(plot_lines(&page, &grid, &error), 0);
    const char *bytes = read_file(path, &size);
    size_t corners = 0;
    double low = INFINITY, high = -INFINITY, far = 0;
    for (const char *at = bytes; (at = strstr(at, " L ")); at++) {
        double a, b;
        if (sscanf(at, " L %lf %lf", &a, &b) != 2)
            continue;
        corners++;
        low = fmin(low, b);
        high = fmax(high, b);
        far = fmax(far, a);
    }
    /* Four of each column; ticks and the like. */
    assert_in_range(corners, 1000, 4 * 960 + 200);
    assert_true(high - low > 400 && far > 900);
    free(x);
    free(y);
}

static void a_dark_page_is_dark(void **state) {
    (void)state;
    struct plot_page page = {.width = 400, .height = 300, .dark = true};
    struct chart *chart;
    struct error error;
    struct plot_png png;
    page.png = &png;
    for (int dark = 0; dark < 2; dark++) {
        page.dark = dark;
        assert_int_equal(chart_open(&page, &chart, &error), 0);
        cairo_surface_flush(chart->surface);
        unsigned char level = cairo_image_surface_get_data(chart->surface)[0];
        assert_true(dark ? level < 60 : level == 255);
        assert_int_equal(chart_close(chart, &error), 0);
        free(png.data);
    }
}

static void legends_say_what_they_leave_out(void **state) {
    (void)state;
    struct legend_entry entries[100];
    struct chart *chart;
    struct error error;
    struct plot_png png;
    struct plot_page page = {.width = 960, .height = 600, .png = &png};
    for (size_t i = 0; i < 100; i++)
        entries[i] = (struct legend_entry){.name = "some method", .line = true};
    assert_int_equal(chart_open(&page, &chart, &error), 0);
    struct legend legend = legend_plan(chart, entries, 8, 40);
    assert_int_equal(legend.shown, 8);
    assert_false(legend.below);
    assert_true(legend.right > 100 && legend.right < 300);
    legend = legend_plan(chart, entries, 100, 40);
    assert_in_range(legend.shown, 10, 40);
    legend_draw(chart, &legend, 60, 40);
    /* On a column of a paper it goes below, in columns. */
    chart->width = 400;
    legend = legend_plan(chart, entries, 8, 40);
    assert_true(legend.below && legend.columns > 1 && legend.bottom > 20);
    legend = legend_plan(chart, entries, 0, 40);
    assert_true(legend.right == 0 && legend.bottom == 0);
    assert_int_equal(chart_close(chart, &error), 0);
    free(png.data);
}

/* The demo's sixteen on half a column of a paper, 3.5 by 2.5 inches with 8 points: all
 * in a third of it, each beside the next. */
static void a_small_page_has_all_entries(void **state) {
    (void)state;
    static const char *const legend_names[] = {"routers mgda all",
                                               "routers epo all",
                                               "routers ls all",
                                               "correction distil",
                                               "wudi by preference",
                                               "STL, own experts",
                                               "simple average",
                                               "task arithmetic",
                                               "TIES",
                                               "Fisher merging",
                                               "RegMean",
                                               "trained whole, ls",
                                               "trained whole, epo",
                                               "trained whole, mgda",
                                               "front of these two",
                                               "knee"};
    enum { SERIES = sizeof legend_names / sizeof *legend_names };
    struct legend_entry entries[SERIES];
    struct chart *chart;
    struct error error;
    struct plot_png png;
    struct plot_page page = {.width = 252, .height = 180, .font = 8, .png = &png};
    double wide = 0;
    for (size_t i = 0; i < SERIES; i++)
        entries[i] =
            (struct legend_entry){.name = legend_names[i], .line = i == SERIES - 2};
    assert_int_equal(chart_open(&page, &chart, &error), 0);
    struct legend legend = legend_plan(chart, entries, SERIES, 20);
    assert_true(legend.below && legend.shown == SERIES);
    assert_true(legend.bottom < 180 / 2.9 && legend.scale >= 0.8);
    for (size_t i = 0; i < SERIES; i++) {
        double name = chart_text_width(chart, CHART_SMALL, legend_names[i]);
        assert_true(legend.scale * (name + legend.sample * chart->unit) <
                    legend.widths[i % legend.columns]);
    }
    for (size_t c = 0; c < legend.columns; c++)
        wide += legend.widths[c];
    assert_true(wide < 252);
    assert_int_equal(chart_close(chart, &error), 0);
    free(png.data);
}

static void text_is_cut_between_letters(void **state) {
    (void)state;
    char out[64];
    struct chart *chart;
    struct error error;
    struct plot_png png;
    struct plot_page page = {.width = 100, .height = 100, .png = &png};
    assert_int_equal(chart_open(&page, &chart, &error), 0);
    assert_string_equal(chart_text_fit(chart, 13, 500, "whole", out, sizeof out),
                        "whole");
    chart_text_fit(chart, 13, 60,
                   "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
                   "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4",
                   out, sizeof out);
    assert_true(chart_text_width(chart, 13, out) <= 60);
    size_t length = strlen(out);
    assert_true(length > 5 && length % 2 == 1); /* whole letters of two bytes, "..." */
    assert_string_equal(out + length - 3, "...");
    assert_int_equal(chart_close(chart, &error), 0);
    free(png.data);
}

/* Whatever a file holds, a chart is drawn. */
static void figures_that_are_no_numbers(void **state) {
    (void)state;
    static const double odd[] = {
        (double)NAN, (double)INFINITY, (double)-INFINITY, 1e308, -1e308, 0, 5e-324};
    struct plot_page page = {.width = 500, .height = 400};
    struct error error;
    struct plot_png png;
    page.png = &png;
    struct plot_cloud cloud = make_cloud(300);
    for (size_t i = 0; i < 300 * TASKS; i += 5)
        values[i] = odd[i / 5 % (sizeof odd / sizeof *odd)];
    points[3].knee = true;
    cloud.alike = false;
    assert_int_equal(plot_parallel(&page, &cloud, &error), 0);
    free(png.data);
    assert_int_equal(plot_scatter(&page, &cloud, 0, 5, &error), 0);
    free(png.data);
    const char *const panels[] = {"a", "b", "c", "d"};
    const struct plot_surface surface = {.corners = {"x", "y", "z"},
                                         .preferences = values,
                                         .values = values + TASKS,
                                         .count = 40,
                                         .panels = panels,
                                         .panel_count = 4};
    assert_int_equal(plot_ternary(&page, &surface, &error), 0);
    free(png.data);
    const struct plot_cells cells = {.rows = names,
                                     .columns = names,
                                     .row_count = 5,
                                     .column_count = 7,
                                     .values = values,
                                     .value_label = "figure"};
    assert_int_equal(plot_heat(&page, &cells, &error), 0);
    free(png.data);
}

/* A picture as it is seen, [height][width] of 0xRRGGBB. */
struct pixels {
    const unsigned char *rest; /* of the file */
    size_t left;
    cairo_surface_t *surface;
    int width, height;
};

static cairo_status_t hand_out(void *self, unsigned char *data, unsigned length) {
    struct pixels *pixels = self;
    if (length > pixels->left)
        return CAIRO_STATUS_READ_ERROR;
    memcpy(data, pixels->rest, length);
    pixels->rest += length;
    pixels->left -= length;
    return CAIRO_STATUS_SUCCESS;
}

static struct pixels pixels_of(const struct plot_png *png) {
    struct pixels pixels = {.rest = png->data, .left = png->size};
    pixels.surface = cairo_image_surface_create_from_png_stream(hand_out, &pixels);
    assert_int_equal(cairo_surface_status(pixels.surface), CAIRO_STATUS_SUCCESS);
    pixels.width = cairo_image_surface_get_width(pixels.surface);
    pixels.height = cairo_image_surface_get_height(pixels.surface);
    return pixels;
}

static unsigned pixel_at(const struct pixels *pixels, int x, int y) {
    const unsigned char *row =
        cairo_image_surface_get_data(pixels->surface) +
        (ptrdiff_t)y * cairo_image_surface_get_stride(pixels->surface);
    uint32_t pixel;
    memcpy(&pixel, row + 4 * (ptrdiff_t)x, sizeof pixel);
    return pixel & 0xffffff;
}

/* The first and the last pixel of this colour on a line across (or down) the picture.
 */
static void find_ends(const struct pixels *pixels, bool down, int at, unsigned colour,
                      int ends[2]) {
    ends[0] = ends[1] = -1;
    for (int i = 0; i < (down ? pixels->height : pixels->width); i++)
        if (pixel_at(pixels, down ? at : i, down ? i : at) == colour) {
            ends[0] = ends[0] < 0 ? i : ends[0];
            ends[1] = i;
        }
}

static bool is_coloured(unsigned pixel) {
    int red = (int)(pixel >> 16), green = (int)(pixel >> 8 & 255),
        blue = (int)(pixel & 255);
    return abs(red - green) > 30 || abs(green - blue) > 30;
}

/* Bars end inside the frame, those of the best models too; one that is longer than all
 * else does not make the rest small. */
static void bars_end_inside(void **state) {
    (void)state;
    static double low[2][2], high[2][2];
    struct plot_png png;
    struct plot_page page = {.width = 960, .height = 600, .png = &png};
    struct error error;
    struct plot_cloud cloud = make_cloud(4);
    cloud.count = 2;
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < 2; k++) {
            values[i * TASKS + k] = i ? 60 : 40;
            low[i][k] = i ? 58 : 39;
            high[i][k] = i ? 62 : 41;
        }
    for (size_t i = 0; i < 2; i++)
        points[i] = (struct plot_point){.series = 1 + i,
                                        .values = values + i * TASKS,
                                        .low = low[i],
                                        .high = high[i]};
    for (int huge = 0; huge < 2; huge++) {
        if (huge)
            high[1][1] = 1000;
        assert_int_equal(plot_scatter(&page, &cloud, 0, 1, &error), 0);
        struct pixels pixels = pixels_of(&png);
        int across[2] = {pixels.width, 0}, down[2] = {pixels.height, 0};
        int frame = 0; /* its upper edge is dark all along */
        while (is_coloured(pixel_at(&pixels, 200, frame)) ||
               (pixel_at(&pixels, 200, frame) & 255) > 200)
            frame++;
        int right = 200;
        while ((pixel_at(&pixels, right + 1, frame) & 255) <= 200)
            right++;
        for (int y = frame; y < pixels.height; y++)
            for (int x = 0; x < right; x++)
                if (is_coloured(pixel_at(&pixels, x, y))) {
                    across[0] = x < across[0] ? x : across[0];
                    across[1] = x > across[1] ? x : across[1];
                    down[0] = y < down[0] ? y : down[0];
                    down[1] = y > down[1] ? y : down[1];
                }
        assert_true(huge || down[0] > frame + 5);
        assert_true(down[1] - down[0] > pixels.height / 2);
        assert_true(across[1] - across[0] > pixels.width / 2);
        cairo_surface_destroy(pixels.surface);
        free(png.data);
    }
}

/* Where cells of one value touch, and in the scale beside them, no line is seen. */
static void cells_have_no_seams(void **state) {
    (void)state;
    enum { ROWS = 7, COLUMNS = 11 }; /* whose edges lie inside pixels */
    double figures[ROWS * COLUMNS];
    struct plot_png png;
    struct plot_page page = {.width = 960, .height = 600, .png = &png};
    struct error error;
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        figures[i] = i + 1 < ROWS * COLUMNS ? 60 : 90;
    const struct plot_cells cells = {.rows = names,
                                     .columns = names,
                                     .row_count = ROWS,
                                     .column_count = COLUMNS,
                                     .values = figures,
                                     .value_label = "figure"};
    static const double resolutions[] = {72, 100, 300};
    for (size_t r = 0; r < sizeof resolutions / sizeof *resolutions; r++) {
        page.dpi = resolutions[r];
        assert_int_equal(plot_heat(&page, &cells, &error), 0);
        struct pixels pixels = pixels_of(&png);
        unsigned low = 0x00224e; /* where the scale begins */
        int across[2], down[2], middle = pixels.height / 2;
        find_ends(&pixels, true, pixels.width / 2, low, down);
        assert_true(down[0] > 0 && down[1] - down[0] > pixels.height / 2);
        int y = down[0] + 2, x; /* beside the numbers in the cells */
        find_ends(&pixels, false, y, low, across);
        assert_true(across[1] - across[0] > pixels.width / 2);
        for (x = across[0]; x <= across[1]; x++)
            assert_int_equal(pixel_at(&pixels, x, y), low);
        for (y = down[0]; y <= down[1]; y++)
            assert_int_equal(pixel_at(&pixels, across[0] + 2, y), low);
        /* The scale: 24 points behind the table, 16 wide, its end on top. */
        x = across[1] + (int)(32 * resolutions[r] / 72);
        assert_true(pixel_at(&pixels, x, middle) != 0xffffff);
        for (y = down[0] + 2; y < down[1] - 2; y++) {
            unsigned above = pixel_at(&pixels, x, y),
                     below = pixel_at(&pixels, x, y + 1);
            assert_true(above >> 16 >= below >> 16); /* its red only falls */
            assert_true((above >> 16) - (below >> 16) < 4);
        }
        cairo_surface_destroy(pixels.surface);
        free(png.data);
    }
}

/* Names over the first and the last axis end inside the page. */
static void names_of_axes_are_whole(void **state) {
    (void)state;
    static const char *const long_names[] = {"a first (nats, less is better)", "second",
                                             "a third (nats, less is better)"};
    static const double sizes[][2] = {{960, 600}, {700, 400}, {420, 300}};
    struct error error;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct plot_png png;
        struct plot_page page = {
            .width = sizes[i][0], .height = sizes[i][1], .png = &png};
        struct plot_cloud cloud = make_cloud(3);
        cloud.objectives = long_names;
        cloud.objective_count = 3;
        cloud.count = 1;
        points[0] = (struct plot_point){.series = 0, .values = values};
        assert_int_equal(plot_parallel(&page, &cloud, &error), 0);
        struct pixels pixels = pixels_of(&png);
        for (int y = 0; y < pixels.height; y++) {
            assert_int_equal(pixel_at(&pixels, 0, y), 0xffffff);
            assert_int_equal(pixel_at(&pixels, pixels.width - 1, y), 0xffffff);
        }
        cairo_surface_destroy(pixels.surface);
        free(png.data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_png_says_how_large_it_is),
        cmocka_unit_test(no_reader_needs_the_fonts),
        cmocka_unit_test(thousands_of_lines_are_a_picture),
        cmocka_unit_test(a_line_of_many_points_is_a_short_path),
        cmocka_unit_test(a_dark_page_is_dark),
        cmocka_unit_test(legends_say_what_they_leave_out),
        cmocka_unit_test(a_small_page_has_all_entries),
        cmocka_unit_test(text_is_cut_between_letters),
        cmocka_unit_test(figures_that_are_no_numbers),
        cmocka_unit_test(bars_end_inside),
        cmocka_unit_test(names_of_axes_are_whole),
        cmocka_unit_test(cells_have_no_seams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
