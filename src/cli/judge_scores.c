/* judge_scores.c - scores of a classifier, and of a model before two judges, as tables and as JSON. */
#include "cli/judge_scores.h"
#include <stdio.h>
#include "cli/commands.h"

/* ---- a model before two judges ------------------------------------------------------------------------------------ */
json_t *zt_cli_second_opinion_json(const zt_second_opinion *r) {
    return json_pack("{s:f, s:I, s:f, s:f, s:f, s:f, s:I, s:I, s:s}", "accuracy_on_real", zt_score_part(r->real_right, r->real),
                     "real_clips", (json_int_t)r->real, "valid_both", zt_score_part(r->both, r->made), "valid_both_of_data",
                     zt_score_part(r->real_both, r->real), "frechet", r->frechet, "frechet_floor", r->frechet_floor,
                     "frechet_clips", (json_int_t)r->frechet_clips, "features", (json_int_t)r->features, "hash", r->hash);
}

void zt_cli_print_second_opinion(const zt_second_opinion *r) {
    printf("\n%-44s %8s %8s\n", "with the judge network", "made", "data");
    printf("%-44s %8s %7.1f%%\n", "it reads all attributes right", "", 100 * zt_score_part(r->real_right, r->real));
    printf("%-44s %7.1f%% %7.1f%%\n", "valid to both judges", 100 * zt_score_part(r->both, r->made),
           100 * zt_score_part(r->real_both, r->real));
    printf("%-44s %8.3f %8.3f\n", "Frechet distance of its features", r->frechet, r->frechet_floor);
    if (r->frechet_clips < 5 * r->features)
        printf("%lld clips a side for %lld features: distances are too large, the data's own too; want %lld (--num)\n",
               (long long)r->frechet_clips, (long long)r->features, (long long)(5 * r->features));
}

/* ---- a classifier ------------------------------------------------------------------------------------------------- */
static json_t *level_json(const zt_judge_eval *r, const zt_judge_level *l, const zt_net *net) {
    double lo, hi;
    zt_wilson(l->all, l->n, &lo, &hi);
    json_t *right = json_object();
    for (int i = 0; i < net->n_heads; i++)
        json_object_set_new(right, net->head[i].label, json_real(zt_score_part(l->right[i], l->n)));
    json_t *j = json_pack("{s:f, s:f, s:[f,f], s:o}", "noise", l->noise, "all", zt_score_part(l->all, l->n), "all_95", lo, hi,
                          "right", right);
    if (j && r->judged) json_object_set_new(j, "analytic", json_real(zt_score_part(l->analytic, l->n)));
    if (j && r->judged) json_object_set_new(j, "agree", json_real(zt_score_part(l->both, l->n)));
    return j;
}

static int print_json(const zt_judge_eval *r, const zt_net *net) {
    json_t *noisy = json_array();
    for (int k = 1; k < ZT_JUDGE_NOISES; k++) json_array_append_new(noisy, level_json(r, &r->level[k], net));
    return zt_cli_print_json("eval", json_pack("{s:I, s:o, s:o, s:I, s:f, s:f}", "clips", (json_int_t)r->level[0].n, "clean",
                                               level_json(r, &r->level[0], net), "noisy", noisy, "held_out_clips",
                                               (json_int_t)r->held_out, "held_out_all",
                                               zt_score_part(r->held_out_all, r->held_out), "clips_per_s", r->clips_per_s));
}

static int print_table(const zt_judge_eval *r, const zt_net *net) {
    printf("%lld clips of the test split, %lld of them of held-out combinations (all right: %.1f %%)\n", (long long)r->level[0].n,
           (long long)r->held_out, 100 * zt_score_part(r->held_out_all, r->held_out));
    printf("%-24s", "");
    for (int i = 0; i < net->n_heads; i++) printf(" %12.12s", net->head[i].label);
    printf(" %12s%s\n", "all right", r->judged ? "   analytic judge   both agree" : "");
    for (int k = 0; k < ZT_JUDGE_NOISES; k++) {
        const zt_judge_level *l = &r->level[k];
        if (k == 0) printf("%-24s", "clean");
        else printf("noise of %-15.2f", l->noise);
        for (int i = 0; i < net->n_heads; i++) printf(" %10.1f %%", 100 * zt_score_part(l->right[i], l->n));
        printf(" %10.1f %%", 100 * zt_score_part(l->all, l->n));
        if (r->judged)
            printf(" %14.1f %% %10.1f %%", 100 * zt_score_part(l->analytic, l->n), 100 * zt_score_part(l->both, l->n));
        printf("\n");
    }
    return ZT_EXIT_OK;
}

int zt_cli_judge_scores(zt_model_dir *m, const zt_dataset *ds, int n, uint64_t seed, zt_dtype multiply, bool json) {
    zt_judge_net j = {0};
    zt_judge_eval r;
    zt_err e = zt_judge_net_take(&j, m, multiply);
    if (e == ZT_OK) e = zt_judge_eval_run(&r, &j, ds, n, seed);
    const int status = e != ZT_OK ? zt_cli_result("eval", e)
                       : json     ? print_json(&r, &j.dir.net)
                                  : print_table(&r, &j.dir.net);
    zt_judge_net_close(&j);
    return status;
}
