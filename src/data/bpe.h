/* Byte-level byte-pair encoding (Sennrich et al. 2016; GPT-2's bytes): a word's bytes
 * are the first symbols, and the pair of neighbours that comes first in the list of
 * merges is joined, the leftmost first, until no pair is in it. */
#ifndef PWEMOE_DATA_BPE_H
#define PWEMOE_DATA_BPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct bpe;

/* vocab: object of token to number. merges: array of "LEFT RIGHT" or of [LEFT,
 * RIGHT], tokens of vocab whose join is one too. Bytes are written as GPT-2 does,
 * 33..126, 161..172 and 174..255 as themselves, the others as U+0100 and on.
 * suffix ends a word's last symbol ("</w>" for CLIP), or is "". A byte that is not
 * in vocab becomes `unknown`. Both JSON values may go away afterwards. */
int bpe_new(const json_t *vocab, const json_t *merges, const char *suffix,
            int32_t unknown, struct bpe **bpe, struct error *error);
void bpe_free(struct bpe *bpe); /* NULL is fine */

struct tokens {
    int32_t *ids; /* freed by the owner */
    size_t count, capacity;
};

int tokens_append(struct tokens *tokens, int32_t id, struct error *error);

/* Appends the tokens of one word of `length` bytes. Fails where memory is out.
 * May be called from several threads at once. */
int bpe_encode(const struct bpe *bpe, const char *word, size_t length,
               struct tokens *tokens, struct error *error);

/* Unicode's White_Space inside a class of PCRE2, spelt out because PCRE2 counts U+180E
 * among \s. */
#define BPE_SPACES                                                                     \
    "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}" \
    "\\x{202f}\\x{205f}\\x{3000}"

/* The same of one character. */
bool bpe_is_space(int32_t character);

#endif
