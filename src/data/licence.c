/* licence.c - see licence.h. Tested by tests/data/test_data_rights.c. */
#include "data/licence.h"

#include <stddef.h>
#include <stdio.h>
#include <strings.h>

#define Y ZT_ANSWER_YES
#define N ZT_ANSWER_NO

/* The six Creative Commons licences of one version: the letters say what they ask for. */
#define CC(v)                                                                                                                   \
    {"CC-BY-" v, Y, Y, Y, N}, {"CC-BY-SA-" v, Y, Y, Y, Y}, {"CC-BY-ND-" v, Y, N, Y, N}, {"CC-BY-NC-" v, N, Y, Y, N},            \
        {"CC-BY-NC-SA-" v, N, Y, Y, Y}, {"CC-BY-NC-ND-" v, N, N, Y, N}

static const zt_licence TABLE[] = {
    /* id, commercial, derivatives, attribution, share-alike */
    CC("1.0"), CC("2.0"), CC("2.5"), CC("3.0"), CC("4.0"),
    {"CC0-1.0", Y, Y, N, N},        {"CC-PDDC", Y, Y, N, N},      {"PDDL-1.0", Y, Y, N, N},     {"Unlicense", Y, Y, N, N},
    {"0BSD", Y, Y, N, N},           {"MIT", Y, Y, Y, N},          {"MIT-0", Y, Y, N, N},        {"ISC", Y, Y, Y, N},
    {"BSD-2-Clause", Y, Y, Y, N},   {"BSD-3-Clause", Y, Y, Y, N}, {"Apache-2.0", Y, Y, Y, N},   {"Zlib", Y, Y, N, N},
    {"ODC-By-1.0", Y, Y, Y, N},     {"ODbL-1.0", Y, Y, Y, Y},     {"GPL-2.0-only", Y, Y, Y, Y}, {"GPL-2.0-or-later", Y, Y, Y, Y},
    {"GPL-3.0-only", Y, Y, Y, Y},   {"GPL-3.0-or-later", Y, Y, Y, Y}, {"MPL-2.0", Y, Y, Y, Y},  {"GFDL-1.3-only", Y, Y, Y, Y},
    {"FAL-1.3", Y, Y, Y, Y},        {"CDLA-Permissive-2.0", Y, Y, N, N}, {"CDLA-Sharing-1.0", Y, Y, Y, Y},
    {"OGL-UK-3.0", Y, Y, Y, N},     {"etalab-2.0", Y, Y, Y, N},   {"C-UDA-1.0", Y, Y, Y, N},
};

const zt_licence *zt_licence_find(const char *id) {
    for (size_t i = 0; id && i < sizeof TABLE / sizeof TABLE[0]; i++)
        if (strcasecmp(TABLE[i].id, id) == 0) return &TABLE[i];
    return NULL;
}

const char *zt_answer_name(zt_answer a) {
    return a == ZT_ANSWER_YES ? "yes" : a == ZT_ANSWER_NO ? "no" : "unknown";
}
