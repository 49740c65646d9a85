#include "data/bpe.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { LONGEST_TOKEN = 4096, MOST_TOKENS = 1 << 24 };

struct merge {
    uint64_t pair; /* left << 32 | right */
    uint32_t rank; /* place in the list of merges, plus 1; 0: a free slot */
    int32_t joined;
};

struct bpe {
    int32_t inner[256], last[256]; /* symbols of the bytes within and at the end */
    struct merge *merges;          /* open addressing */
    size_t mask;
};

static uint64_t pair_of(int32_t left, int32_t right) {
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

/* The slot where pair is or would be. */
static struct merge *find(const struct bpe *bpe, uint64_t pair) {
    uint64_t hash = pair * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(hash >> 32) & bpe->mask;
    while (bpe->merges[at].rank && bpe->merges[at].pair != pair)
        at = (at + 1) & bpe->mask;
    return &bpe->merges[at];
}

static int32_t number_of(const json_t *vocab, const char *token) {
    const json_t *number = json_object_get(vocab, token);
    return number ? (int32_t)json_integer_value(number) : -1;
}

/* The character that stands for a byte, and the suffix, in UTF-8. */
static void spell(unsigned byte, const char *suffix, char *out, size_t size) {
    unsigned character = byte;
    bool itself = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
    if (!itself) {
        character = 256;
        for (unsigned i = 0; i < byte; i++)
            character += !((i >= 33 && i <= 126) || (i >= 161 && i != 173));
    }
    if (character < 128)
        snprintf(out, size, "%c%s", (int)character, suffix);
    else
        snprintf(out, size, "%c%c%s", (int)(0xc0 | character >> 6),
                 (int)(0x80 | (character & 63)), suffix);
}

static int check_vocab(const json_t *vocab, struct error *error) {
    const char *token;
    const json_t *number;
    if (!json_is_object(vocab) || json_object_size(vocab) > MOST_TOKENS)
        return error_set(error, "the vocabulary is not an object of tokens");
    json_object_foreach((json_t *)vocab, token, number) {
        if (!json_is_integer(number) || json_integer_value(number) < 0 ||
            json_integer_value(number) > INT32_MAX)
            return error_set(error, "the number of token \"%s\" is not from 0 to %d",
                             token, INT32_MAX);
    }
    return 0;
}

/* The two tokens of a merge; left gets a copy with its end, right points into the
 * JSON text. */
static bool split_merge(const json_t *merge, char left[LONGEST_TOKEN],
                        const char **right) {
    if (json_is_array(merge) && json_array_size(merge) == 2) {
        const char *first = json_string_value(json_array_get(merge, 0));
        *right = json_string_value(json_array_get(merge, 1));
        if (!first || !*right || strlen(first) >= LONGEST_TOKEN)
            return false;
        strcpy(left, first);
        return *left && **right;
    }
    const char *text = json_string_value(merge);
    const char *space = text ? strchr(text, ' ') : NULL;
    if (!space || space == text || space - text >= LONGEST_TOKEN)
        return false;
    memcpy(left, text, (size_t)(space - text));
    left[space - text] = '\0';
    *right = space + 1;
    return **right && !strchr(*right, ' ');
}

static int add_merge(struct bpe *bpe, const json_t *vocab, const json_t *merge,
                     size_t place, struct error *error) {
    char left[LONGEST_TOKEN], joined[2 * LONGEST_TOKEN];
    const char *right;
    if (!split_merge(merge, left, &right) || strlen(right) >= LONGEST_TOKEN)
        return error_set(error, "merge %zu is not two tokens", place + 1);
    snprintf(joined, sizeof joined, "%s%s", left, right);
    int32_t a = number_of(vocab, left), b = number_of(vocab, right),
            c = number_of(vocab, joined);
    if (a < 0 || b < 0 || c < 0)
        return error_set(error, "merge %zu: \"%s\" is not in the vocabulary", place + 1,
                         a < 0   ? left
                         : b < 0 ? right
                                 : joined);
    struct merge *slot = find(bpe, pair_of(a, b));
    *slot = (struct merge){pair_of(a, b), (uint32_t)place + 1, c};
    return 0;
}

static int fill(struct bpe *bpe, const json_t *vocab, const json_t *merges,
                const char *suffix, int32_t unknown, struct error *error) {
    size_t count = json_array_size(merges);
    if (check_vocab(vocab, error))
        return -1;
    if (!json_is_array(merges) || count > MOST_TOKENS)
        return error_set(error, "the merges are not a list");
    size_t slots = 16;
    while (slots < 2 * count)
        slots *= 2;
    bpe->mask = slots - 1;
    bpe->merges = array_new(slots, sizeof *bpe->merges);
    if (!bpe->merges)
        return error_memory(error);
    for (unsigned byte = 0; byte < 256; byte++) {
        char token[64];
        spell(byte, "", token, sizeof token);
        int32_t inner = number_of(vocab, token);
        spell(byte, suffix, token, sizeof token);
        int32_t last = number_of(vocab, token);
        bpe->inner[byte] = inner < 0 ? unknown : inner;
        bpe->last[byte] = last < 0 ? unknown : last;
    }
    for (size_t i = 0; i < count; i++)
        if (add_merge(bpe, vocab, json_array_get(merges, i), i, error))
            return -1;
    return 0;
}

int bpe_new(const json_t *vocab, const json_t *merges, const char *suffix,
            int32_t unknown, struct bpe **out, struct error *error) {
    *out = NULL;
    struct bpe *bpe = array_new(1, sizeof *bpe);
    if (!bpe)
        return error_memory(error);
    if (fill(bpe, vocab, merges, suffix, unknown, error)) {
        bpe_free(bpe);
        return -1;
    }
    *out = bpe;
    return 0;
}

void bpe_free(struct bpe *bpe) {
    if (!bpe)
        return;
    free(bpe->merges);
    free(bpe);
}

/* --- one word -------------------------------------------------------------- */

/* The symbols of a word in a list; a joined pair lives on in its left one. */
struct symbol {
    int32_t id; /* -1: joined to the one before it */
    uint32_t before, after;
};

/* A pair that may be joined; it is out of date when its symbols have changed. */
struct candidate {
    uint32_t rank, at;
    uint64_t pair;
    int32_t joined;
};

struct word {
    struct symbol *symbols;
    uint32_t count;
    struct candidate *heap; /* least rank, then leftmost, first */
    size_t waiting;
};

static bool is_sooner(const struct candidate *a, const struct candidate *b) {
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void push(struct word *word, struct candidate candidate) {
    size_t at = word->waiting++;
    while (at > 0 && is_sooner(&candidate, &word->heap[(at - 1) / 2])) {
        word->heap[at] = word->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    word->heap[at] = candidate;
}

static struct candidate pop(struct word *word) {
    struct candidate first = word->heap[0], moved = word->heap[--word->waiting];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < word->waiting; at = child) {
        if (child + 1 < word->waiting &&
            is_sooner(&word->heap[child + 1], &word->heap[child]))
            child++;
        if (!is_sooner(&word->heap[child], &moved))
            break;
        word->heap[at] = word->heap[child];
    }
    word->heap[at] = moved;
    return first;
}

/* Offers the pair that begins at a symbol, if it may be joined. */
static void offer(const struct bpe *bpe, struct word *word, uint32_t at) {
    uint32_t next = word->symbols[at].after;
    if (next == word->count)
        return;
    uint64_t pair = pair_of(word->symbols[at].id, word->symbols[next].id);
    const struct merge *merge = find(bpe, pair);
    if (merge->rank)
        push(word, (struct candidate){merge->rank, at, pair, merge->joined});
}

static void join(const struct bpe *bpe, struct word *word,
                 const struct candidate *candidate) {
    struct symbol *left = &word->symbols[candidate->at];
    if (left->id < 0 || left->after == word->count)
        return;
    struct symbol *right = &word->symbols[left->after];
    if (pair_of(left->id, right->id) != candidate->pair)
        return;
    left->id = candidate->joined;
    left->after = right->after;
    right->id = -1;
    if (left->after < word->count)
        word->symbols[left->after].before = candidate->at;
    offer(bpe, word, candidate->at);
    if (candidate->at > 0)
        offer(bpe, word, left->before);
}

int bpe_encode(const struct bpe *bpe, const char *text, size_t length,
               struct tokens *tokens, struct error *error) {
    if (length == 0)
        return 0;
    if (length > UINT32_MAX / 4)
        return error_set(error, "a word of %zu bytes is too long", length);
    /* Each of length - 1 joins offers at most two pairs, after length - 1 at first. */
    struct word word = {array_new(length, sizeof *word.symbols), (uint32_t)length,
                        array_new(3 * length, sizeof *word.heap), 0};
    int status = 0;
    if (!word.symbols || !word.heap ||
        array_reserve((void **)&tokens->ids, &tokens->capacity, tokens->count + length,
                      sizeof *tokens->ids))
        status = error_memory(error);
    for (uint32_t i = 0; status == 0 && i < word.count; i++) {
        uint8_t byte = (uint8_t)text[i];
        int32_t id = i + 1 < word.count ? bpe->inner[byte] : bpe->last[byte];
        word.symbols[i] = (struct symbol){id, i ? i - 1 : 0, i + 1};
    }
    for (uint32_t i = 0; status == 0 && i < word.count; i++)
        offer(bpe, &word, i);
    while (status == 0 && word.waiting) {
        struct candidate candidate = pop(&word);
        join(bpe, &word, &candidate);
    }
    for (uint32_t i = 0; status == 0 && i < word.count; i = word.symbols[i].after)
        tokens->ids[tokens->count++] = word.symbols[i].id;
    free(word.symbols);
    free(word.heap);
    return status;
}

int tokens_append(struct tokens *tokens, int32_t id, struct error *error) {
    if (array_reserve((void **)&tokens->ids, &tokens->capacity, tokens->count + 1,
                      sizeof *tokens->ids))
        return error_memory(error);
    tokens->ids[tokens->count++] = id;
    return 0;
}

bool bpe_is_space(int32_t c) {
    return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}
