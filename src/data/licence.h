/* licence.h - what the common licences of media allow, looked up by their SPDX identifier (https://spdx.org/licenses/). It is a
 * table to filter by, not legal advice: the licence's own text decides. */
#ifndef ZT_DATA_LICENCE_H
#define ZT_DATA_LICENCE_H

typedef enum zt_answer { ZT_ANSWER_UNKNOWN, ZT_ANSWER_NO, ZT_ANSWER_YES } zt_answer;

typedef struct zt_licence {
    const char *id;             /* as SPDX writes it; static storage */
    zt_answer commercial;       /* may be used to earn money */
    zt_answer derivatives;      /* changed versions may be passed on */
    zt_answer attribution;      /* the author must be named */
    zt_answer share_alike;      /* what is made of it must carry the same licence */
} zt_licence;

/** The licence with this identifier, in any case of letters; NULL when it is not in the table: then nothing is known. Any
 *  thread. */
const zt_licence *zt_licence_find(const char *id);
/** "yes", "no", "unknown". */
const char *zt_answer_name(zt_answer a);
#endif
