/* Netpbm's grey and colour maps, plain (P2, P3) and raw (P5, P6). Levels are
 * scaled from the file's maximum to 255, halves to even, as Pillow does. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "data/image_formats.h"

struct pnm {
    const uint8_t *at, *end;
};

static bool is_space(uint8_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* White space and comments, which run from # to the end of the line. */
static void skip_space(struct pnm *pnm) {
    while (pnm->at < pnm->end) {
        if (*pnm->at == '#')
            while (pnm->at < pnm->end && *pnm->at != '\n' && *pnm->at != '\r')
                pnm->at++;
        else if (is_space(*pnm->at))
            pnm->at++;
        else
            return;
    }
}

/* A number of at most eight digits, which is more than any field may have. */
static bool read_number(struct pnm *pnm, size_t *number) {
    skip_space(pnm);
    const uint8_t *begin = pnm->at;
    size_t n = 0;
    while (pnm->at < pnm->end && *pnm->at >= '0' && *pnm->at <= '9') {
        if (pnm->at - begin >= 8)
            return false;
        n = n * 10 + (size_t)(*pnm->at++ - '0');
    }
    *number = n;
    return pnm->at > begin &&
           (pnm->at == pnm->end || is_space(*pnm->at) || *pnm->at == '#');
}

static int read_plain(struct pnm *pnm, size_t most, uint8_t *out, size_t count,
                      struct error *error) {
    for (size_t i = 0; i < count; i++) {
        size_t level;
        if (!read_number(pnm, &level))
            return error_set(error, "the PNM is cut short: it has %zu of %zu numbers",
                             i, count);
        if (level > most)
            return error_set(error,
                             "the PNM has a level of %zu, above its maximum, %zu",
                             level, most);
        out[i] = (uint8_t)nearbyint((double)level / (double)most * 255);
    }
    return 0;
}

static int read_raw(struct pnm *pnm, size_t most, uint8_t *out, size_t count,
                    struct error *error) {
    size_t width = most > 255 ? 2 : 1, left = (size_t)(pnm->end - pnm->at);
    if (left / width < count)
        return error_set(error, "the PNM is cut short: %zu of %zu bytes of pixels",
                         left, count * width);
    if (most == 255) {
        memcpy(out, pnm->at, count);
        return 0;
    }
    const uint8_t *in = pnm->at;
    for (size_t i = 0; i < count; i++) {
        size_t level = width == 1 ? in[i] : (size_t)in[2 * i] << 8 | in[2 * i + 1];
        if (level > most)
            level = most;
        out[i] = (uint8_t)nearbyint((double)level / (double)most * 255);
    }
    return 0;
}

int image_decode_pnm(const uint8_t *data, size_t size, struct image *image,
                     struct error *error) {
    char kind = (char)data[1];
    if (kind != '2' && kind != '3' && kind != '5' && kind != '6')
        return error_set(
            error, "a P%c file; of the PNM family P2, P3, P5 and P6 are read", kind);
    struct pnm pnm = {data + 2, data + size};
    size_t width, height, most;
    if (!is_space(data[2]) && data[2] != '#')
        return error_set(error, "the PNM header is damaged");
    if (!read_number(&pnm, &width) || !read_number(&pnm, &height) ||
        !read_number(&pnm, &most) || most < 1 || most > 65535)
        return error_set(error, "the PNM header is damaged");
    bool plain = kind <= '3', grey = kind == '2' || kind == '5';
    if (pnm.at < pnm.end)
        pnm.at++; /* the one white space between header and pixels */
    if (image_allocate(image, width, height, error))
        return -1;
    /* Grey goes into the first third and is spread from the back. */
    size_t pixels = width * height, count = grey ? pixels : pixels * 3;
    if (plain ? read_plain(&pnm, most, image->rgb, count, error)
              : read_raw(&pnm, most, image->rgb, count, error))
        return -1;
    for (size_t i = grey ? pixels : 0; i-- > 0;)
        memset(image->rgb + 3 * i, image->rgb[i], 3);
    return 0;
}
