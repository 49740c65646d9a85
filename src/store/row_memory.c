#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/rows.h"

/* Blocks double from the first size to the last, where the kernel can give memory by
 * the megabyte. */
enum { BLOCK_FIRST = 1 << 16, BLOCK_LAST = 1 << 23 };

static void free_blocks(struct row_block *block) {
    while (block) {
        struct row_block *next = block->next;
        free(block);
        block = next;
    }
}

void store_rows_free(struct store_row *rows, size_t count) {
    (void)count;
    if (!rows)
        return;
    struct rows_header *header =
        (struct rows_header *)(void *)((char *)rows -
                                       offsetof(struct rows_header, rows));
    free_blocks(header->blocks);
    free(header);
}

void *rows_take(struct rows *rows, size_t size) {
    size_t unit = alignof(max_align_t);
    struct row_block *block = rows->header->blocks;
    size = (size + unit - 1) / unit * unit;
    if (!block || block->size - block->used < size) {
        size_t room = !block                     ? BLOCK_FIRST
                      : block->size < BLOCK_LAST ? 2 * block->size
                                                 : BLOCK_LAST;
        if (room < size)
            room = size;
        block = calloc(1, sizeof *block + room);
        if (!block)
            return NULL;
        block->size = room;
        block->next = rows->header->blocks;
        rows->header->blocks = block;
    }
    void *place = block->bytes + block->used;
    block->used += size;
    return place;
}

struct store_row *rows_next(struct rows *rows) {
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? 2 * rows->capacity : 64, size;
        if (!size_multiply(capacity, sizeof *rows->header->rows, &size) ||
            !size_add(size, sizeof *rows->header, &size))
            return NULL;
        struct rows_header *header = realloc(rows->header, size);
        if (!header)
            return NULL;
        if (!rows->header)
            header->blocks = NULL;
        rows->header = header;
        rows->capacity = capacity;
    }
    struct store_row *row = &rows->header->rows[rows->count++];
    memset(row, 0, sizeof *row);
    return row;
}

static char *keep_text(struct rows *rows, int column, const char *text, size_t length) {
    const char *last = rows->last[column];
    if (!last || rows->last_length[column] != length || memcmp(last, text, length)) {
        char *copy = rows_take(rows, length + 1);
        if (!copy)
            return NULL;
        memcpy(copy, text, length);
        rows->last[column] = last = copy;
        rows->last_length[column] = length;
    }
    return (char *)last;
}

char *rows_text(struct rows *rows, struct sql_row *row, int column) {
    size_t length;
    const char *text = sql_text_here(row, column, &length);
    char *kept = text ? keep_text(rows, column, text, length) : NULL;
    if (text && !kept)
        sql_row_memory(row);
    return kept;
}
