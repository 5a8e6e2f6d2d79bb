/* gan_scores.c - zoe eval of an adversarial model: the scores as table and as JSON. */
#include "cli/gan_scores.h"
#include <stdio.h>
#include "cli/commands.h"
#include "cli/judge_scores.h"

enum { CONTENTS = 30, MOTIONS = 8 };

static double part(const zt_agreement *a) {
    return zt_score_part(a->agree, a->pairs);
}

static json_t *views_json(const zt_view_scores *v) {
    json_t *j = json_object();
    const struct { const char *name; bool there; double value; } all[] = {
        {"mask_iou", v->has_mask, v->mask_iou}, {"mask_part", v->has_mask, v->mask_part},
        {"background_change", v->has_background, v->background_change}, {"flow_error", v->has_flow, v->flow_error},
        {"flow_error_of_none", v->has_flow, v->flow_error_of_none}, {"own_warp_error", v->has_flow, v->own_warp_error},
        {"still_error", v->has_flow, v->still_error}};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++)
        if (all[k].there) json_object_set_new(j, all[k].name, json_real(all[k].value));
    return j;
}

static void print_views(const zt_view_scores *v) {
    if (v->has_mask) printf("%-44s %8.3f\n", "mask and object: intersection over union", v->mask_iou);
    if (v->has_background) printf("%-44s %8.2f\n", "background, change a frame, of 255", v->background_change);
    if (!v->has_flow) return;
    printf("%-44s %8.3f %8.3f\n", "flow in the object: error, pixels; of none", v->flow_error, v->flow_error_of_none);
    printf("%-44s %8.2f %8.2f\n", "frame from the warped one before; not warped", v->own_warp_error, v->still_error);
}

static json_t *entropy_json(const zt_entropy *e) {
    return json_pack("{s:f, s:f, s:f, s:f}", "shape", e->shape, "colour", e->colour, "direction", e->direction, "joint",
                     e->joint);
}

/* What the judge of the world shapes says, put into j. */
static void judged_json(const zt_gan_eval *r, json_t *j) {
    const zt_clip_spread *made = &r->clips.made, *real = &r->clips.real;
    json_t *more = json_pack("{s:f, s:f, s:o, s:o, s:f, s:f}", "valid", made->valid, "valid_of_data", real->valid, "entropy",
                             entropy_json(&made->entropy), "entropy_of_data", entropy_json(&real->entropy), "content_distance",
                             made->content, "content_distance_of_data", real->content);
    json_object_update(j, more);
    json_decref(more);
    more = json_pack("{s:f, s:f, s:I, s:f, s:f, s:I, s:f, s:f}", "content_agreement", part(&r->content), "content_floor",
                     part(&r->content_floor), "content_pairs", (json_int_t)r->content.pairs, "motion_agreement",
                     part(&r->motion), "motion_floor", part(&r->motion_floor), "motion_pairs", (json_int_t)r->motion.pairs,
                     "crossed_valid", zt_score_part(r->crossed_valid, r->crossed), "category_right",
                     zt_score_part(r->named_right, r->named));
    json_object_update(j, more);
    json_decref(more);
    more = views_json(&r->views);
    if (r->rollouts) {
        json_object_set_new(more, "rollout_valid", json_real(zt_score_part(r->rollout_halves, r->rollouts)));
        json_object_set_new(more, "rollout_valid_as_one", json_real(zt_score_part(r->rollout_whole, r->rollouts)));
    }
    json_object_update(j, more);
    json_decref(more);
}

static int print_json(const zt_gan_eval *r, bool second) {
    const zt_clip_spread *made = &r->clips.made, *real = &r->clips.real;
    json_t *j = json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:s}", "frechet", r->clips.frechet, "variance",
                          made->variance, "variance_of_data", real->variance, "nearest_other", made->nearest,
                          "nearest_other_of_data", real->nearest, "warp_error", r->warp_error, "warp_error_of_data",
                          r->warp_error_of_data, "frames_per_s", r->frames_per_s, "collapse", r->clips.collapse);
    if (r->clips.judged) judged_json(r, j);
    else {
        json_t *more = json_pack("{s:f, s:f, s:f}", "frechet_floor", r->frechet_floor, "frechet_untrained", r->frechet_untrained,
                                 "frechet_noise", r->frechet_noise);
        json_object_update(j, more);
        json_decref(more);
    }
    if (r->eq_t >= 0) json_object_set_new(j, "eq_t_db", json_real(r->eq_t));
    if (second) json_object_set_new(j, "judge_net", zt_cli_second_opinion_json(&r->second));
    return zt_cli_print_json("eval", j);
}

static void print_judged(const zt_gan_eval *r) {
    const zt_clip_spread *made = &r->clips.made, *real = &r->clips.real;
    printf("%-44s %7.1f%% %7.1f%%\n", "valid", 100 * made->valid, 100 * real->valid);
    printf("%-44s %8.2f %8.2f\n", "entropy of shape, bits", made->entropy.shape, real->entropy.shape);
    printf("%-44s %8.2f %8.2f\n", "entropy of colour, bits", made->entropy.colour, real->entropy.colour);
    printf("%-44s %8.2f %8.2f\n", "entropy of direction, bits", made->entropy.direction, real->entropy.direction);
    printf("%-44s %8.2f %8.2f\n", "the object's colour over time, change of 255", made->content, real->content);
    printf("\n%-44s %8s %8s\n", "of pairs that the judge can read", "agree", "floor");
    printf("%-44s %7.1f%% %7.1f%%\n", "one content: shape and colour", 100 * part(&r->content), 100 * part(&r->content_floor));
    printf("%-44s %7.1f%% %7.1f%%\n", "one category (or motion): direction", 100 * part(&r->motion),
           100 * part(&r->motion_floor));
    if (r->named)
        printf("%-44s %7.1f%% %7.1f%%\n", "goes where its category says", 100 * zt_score_part(r->named_right, r->named), 25.0);
    if (r->rollouts)
        printf("%-44s %7.1f%%\n", "twice the trained length: valid in both halves",
               100 * zt_score_part(r->rollout_halves, r->rollouts));
    print_views(&r->views);
}

static int print_table(const zt_gan_eval *r, bool second) {
    const zt_clip_spread *made = &r->clips.made, *real = &r->clips.real;
    printf("%-44s %8.3f\n", "Frechet distance", r->clips.frechet);
    if (!r->clips.judged) {
        printf("%-44s %8.3f\n", "  of clips it was trained on", r->frechet_floor);
        printf("%-44s %8.3f\n", "  of the untrained network", r->frechet_untrained);
        printf("%-44s %8.3f\n", "  of noise", r->frechet_noise);
    }
    printf("\n%-44s %8s %8s\n", "", "made", "data");
    printf("%-44s %8.4f %8.4f\n", "variance over clips", made->variance, real->variance);
    printf("%-44s %8.3f %8.3f\n", "distance to the nearest other clip", made->nearest, real->nearest);
    printf("%-44s %8.2f %8.2f\n", "warping error, of 255", r->warp_error, r->warp_error_of_data);
    if (r->clips.judged) print_judged(r);
    if (r->eq_t >= 0) printf("%-44s %8.1f\n", "EQ-T, moved pictures against moved codes, dB", r->eq_t);
    if (second) zt_cli_print_second_opinion(&r->second);
    printf("%.0f frames/s\n", r->frames_per_s);
    if (*r->clips.collapse) printf("mode collapse: %s\n", r->clips.collapse);
    return ZT_EXIT_OK;
}

int zt_cli_gan_scores(zt_model_dir *m, const zt_dataset *ds, int n, uint64_t seed, zt_dtype multiply, zt_judge_net *judge_net,
                      bool json) {
    const zt_gan_eval_cfg cfg = {.n = n, .contents = CONTENTS, .motions = MOTIONS, .rollouts = n / 4, .seed = seed,
                                 .multiply = multiply, .judge_net = judge_net};
    zt_gan_eval r;
    const zt_err e = zt_gan_eval_run(&r, m, ds, &cfg);
    return e != ZT_OK ? zt_cli_result("eval", e) : json ? print_json(&r, judge_net) : print_table(&r, judge_net);
}
