/* judge_net.h - a classifier of the synthetic world as second judge beside the analytic one (eval/judge.h): what one alone can be
 * misled by, both seldom are. Its features give the Frechet distance of made clips from real ones. */
#ifndef ZT_JUDGE_NET_H
#define ZT_JUDGE_NET_H
#include "data/dataset.h"
#include "eval/judge.h"
#include "pipeline/classifying.h"

enum { ZT_JUDGE_PASS = 32 };             /* clips that are looked at together */

/** Zero-initialise. */
typedef struct zt_judge_net {
    zt_model_dir dir;
    zt_classifying *look;
    int T, H, W;                         /* of the clips it looks at */
    int head[ZT_JUDGE_ATTRIBUTES];       /* its head for each attribute of the analytic judge */
} zt_judge_net;

/** Load the classifier of folder `dir` for clips [T,H,W]. ZT_CONFIG: not a classifier, trained on clips of another size, no head
 *  for an attribute of the analytic judge; and as zt_model_dir_load. Closes itself on failure. */
zt_err zt_judge_net_open(zt_judge_net *j, const char *dir, int T, int H, int W, zt_dtype multiply);
void zt_judge_net_close(zt_judge_net *j);
/** The same of a classifier that is loaded: `dir` is taken over, and closed with j. */
zt_err zt_judge_net_take(zt_judge_net *j, zt_model_dir *dir, zt_dtype multiply);

/** What it reads in a clip: seen[a] is the name of attribute a's value, "?" without such a head (zt_judge_net_take only).
 *  Borrowed. */
typedef struct zt_opinion { const char *seen[ZT_JUDGE_ATTRIBUTES]; } zt_opinion;
/** What the logits of a clip say. */
zt_opinion zt_judge_net_read(const zt_judge_net *j, const float *logits);
/** Look at n clips rgb [n,T,H,W,3]; features [n,F] (zt_classifying_features) may be NULL. ZT_NOMEM. */
zt_err zt_judge_net_look(zt_judge_net *j, const uint8_t *rgb, int64_t n, zt_opinion *seen, float *features);
/** Whether the analytic judge found a valid object and the network reads the same in it. */
bool zt_judges_agree(const zt_verdict *v, const zt_opinion *o);
/** Whether the network reads what the clip's labels say. */
bool zt_opinion_right(const zt_opinion *o, const zt_clip_view *clip);

/** Made clips before both judges, beside real ones. */
typedef struct zt_second_opinion {
    int64_t real, real_right, real_both; /* clips of the test split; those it reads as labelled; those valid to both judges */
    int64_t made, both;                  /* made clips; those that count as valid: both judges agree on what is there */
    double frechet, frechet_floor;       /* of the network's features: made to real; of other real clips to the same */
    int64_t frechet_clips, features;     /* clips on each side; numbers of a clip (few clips for many numbers: distances are too
                                          * large, the floor too) */
    char hash[65];                       /* SHA-256 of the network's weights */
} zt_second_opinion;
/** Of made [n,T,H,W,3], the first n_seen of which are of combinations that were trained on: these are held against as many clips
 *  of such combinations from the test split, and the floor is as many clips of the training split. ZT_CONFIG: fewer than two of
 *  them; errors as zt_dataset_clip. */
zt_err zt_second_opinion_of(zt_judge_net *j, const zt_dataset *ds, const uint8_t *made, int n, int n_seen, zt_second_opinion *r);
#endif
