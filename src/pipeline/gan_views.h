/* gan_views.h - what the parts are worth that some generators make beside their clips (views, gan.h), measured against what the
 * analytic judge sees in those clips. Clips that it cannot read do not count. */
#ifndef ZT_GAN_VIEWS_H
#define ZT_GAN_VIEWS_H
#include "pipeline/gan_sampling.h"

typedef struct zt_view_scores {
    int64_t clips, valid;            /* looked at; of which the judge can read */
    bool has_mask, has_background, has_flow;
    /* "mask" beside a "background" (vgan): its places of 0.5 and more against the judge's object, intersection over union of all
     * frames of a clip, mean over valid clips; part of the places that it claims. */
    double mask_iou, mask_part;
    double background_change;        /* "background": mean distance of neighbouring frames, of 255 */
    /* "flow" (videogan-flow): mean distance from the object's motion inside it, pixels, over valid clips; the same of no flow at
     * all; and mean distance of a frame from the one before, warped by the flow and as it is, of 255, over all clips. */
    double flow_error, flow_error_of_none, own_warp_error, still_error;
} zt_view_scores;

/** n clips of codes[n] by the model m (no first frame). Without views: nothing is made, all flags false. ZT_CONFIG, ZT_NOMEM,
 *  ZT_CANCELLED. */
zt_err zt_gan_views_score(zt_view_scores *r, zt_model_dir *m, int n, const zt_gan_codes *codes, zt_dtype multiply);
#endif
