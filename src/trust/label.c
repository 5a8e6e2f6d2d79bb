/* label.c - what a generated file says about itself. */
#include "trust/label.h"
#include <stdio.h>
#include <string.h>
#include "base/str.h"

typedef struct pair { const char *key, *value; } pair;

zt_err zt_label_tags(zt_media_tags *tags, const zt_generate_cfg *cfg, const zt_model_info *model, int k) {
    const char *prompt = cfg->prompt ? cfg->prompt : "";
    char seed[32], settings[256], comment[96], mix[64] = "", codes[160] = "", style[96] = "";
    zt_str about = {0};
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)cfg->seed + (unsigned long long)k);
    if (cfg->interpolate_to >= 0 && model->adversarial)
        snprintf(mix, sizeof mix, " to_content_seed=%lld part=%d/%d", (long long)cfg->interpolate_to, k, cfg->num - 1);
    if (!model->from_frame)
        snprintf(codes, sizeof codes, "content_seed=%lld motion_seed=%lld%s%s%s ", (long long)cfg->content_seed,
                 (long long)cfg->motion_seed, cfg->category ? " category=" : "", cfg->category ? cfg->category : "", mix);
    if (cfg->truncation != 1) snprintf(style, sizeof style, "truncation=%g ", cfg->truncation);
    if (cfg->style_seed >= 0)
        snprintf(style + strlen(style), sizeof style - strlen(style), "style_seed=%lld layers=%d-%d ",
                 (long long)cfg->style_seed, cfg->style_from, cfg->style_to);
    if (model->adversarial)
        snprintf(settings, sizeof settings, "%s%sprecision=%s frames=%d size=%dx%d%s", codes, style, cfg->precision,
                 model->frames, model->width, model->height, model->from_frame ? " context_frames=1" : "");
    else
        snprintf(settings, sizeof settings,
                 "steps=%d cfg_scale=%g sampler=%s precision=%s frames=%d size=%dx%d context_frames=%d", cfg->steps,
                 cfg->cfg_scale, cfg->sampler, cfg->precision, model->frames, model->width, model->height, cfg->context_frames);
    snprintf(comment, sizeof comment, "AI-generated video (made with zoetrope %s)", ZT_VERSION);
    zt_str_addf(&about, "AI-generated. ");
    if (!model->adversarial) zt_str_addf(&about, "Prompt: \"%s\". ", prompt);
    zt_str_addf(&about, "Model: %s %.16s. Seed: %s. %s.", model->name, model->hash, seed, settings);
    const pair pairs[] = {{"title", *prompt ? prompt : "AI-generated clip"},
                          {"comment", comment},
                          {"description", about.buf ? about.buf : ""},
                          {"artist", "zoetrope"},
                          {"digital_source_type", "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"},
                          {"ai_generated", "true"},
                          {"prompt", prompt},
                          {"negative_prompt", cfg->negative ? cfg->negative : ""},
                          {"model", model->name},
                          {"model_hash", model->hash},
                          {"seed", seed},
                          {"settings", settings},
                          {"generator", "zoetrope " ZT_VERSION}};
    zt_err e = about.failed ? ZT_NOMEM : ZT_OK;
    for (size_t i = 0; e == ZT_OK && i < sizeof pairs / sizeof *pairs; i++)
        e = zt_media_tags_set(tags, pairs[i].key, pairs[i].value);
    zt_str_finish(&about);
    return e;
}
