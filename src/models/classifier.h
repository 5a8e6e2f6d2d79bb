/* classifier.h - clip classifiers: a clip in; out of it features, and for each label it was trained on the logits of its
 * values. */
#ifndef ZT_CLASSIFIER_H
#define ZT_CLASSIFIER_H
#include "base/opt.h"
#include "nn/nn.h"

enum { ZT_HEADS_MAX = 8, ZT_CLASSES_MAX = 64, ZT_CLASS_NAME_MAX = 32, ZT_CLASSIFIER_LAYERS_MAX = 8 };

/** A label ("colour") and its values ("blue", "red"), in the order of the logits. */
typedef struct zt_head {
    char label[ZT_CLASS_NAME_MAX];
    int64_t classes;                     /* 2..ZT_CLASSES_MAX */
    char class_name[ZT_CLASSES_MAX][ZT_CLASS_NAME_MAX];
} zt_head;

typedef struct zt_classified {
    int n_layers;                        /* 1..ZT_CLASSIFIER_LAYERS_MAX */
    zt_node *layer[ZT_CLASSIFIER_LAYERS_MAX]; /* [B,T',H',W',C'] of each, from the clip on: what a perceptual distance compares */
    zt_node *features;                   /* [B,F]: what all heads read */
    zt_node *logits[ZT_HEADS_MAX];       /* [B,classes] of each head */
} zt_classified;

typedef struct zt_classifier_def {
    const char *name, *doc;
    zt_opts opts;                                            /* option table of the config section "model" */
    size_t cfg_size;
    /** Whether clips of [T,H,W] can be looked at; ZT_CONFIG says which number does not fit and which would. */
    zt_err (*check)(const void *cfg, int64_t frames, int64_t height, int64_t width);
    /** video [B,T,H,W,3] in [-1,1]; 1 <= n <= ZT_HEADS_MAX heads. */
    zt_classified (*build)(zt_nn *nn, zt_node *video, const void *cfg, int n, const zt_head *head);
} zt_classifier_def;

/** The classifier called `name`, or NULL. */
const zt_classifier_def *zt_classifier_find(const char *name);
/** Classifier number k, 0 <= k < zt_classifier_count(). */
const zt_classifier_def *zt_classifier_at(int k);
int zt_classifier_count(void);
#endif
