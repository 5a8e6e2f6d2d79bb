/* gan_config.c - see gan_config.h. */
#include "train/gan_config.h"
#include "train/config.h"

#define AT(field) ZT_OPT_AT(zt_gan_cfg, field)
static const zt_opt options[] = {
    {"loss", ZT_OPT_ENUM, AT(loss), "nonsaturating", 0, 0, "nonsaturating|lsgan|hinge|wgan|relativistic", 0,
     "what critics and generator are paid by (arXiv: 1406.2661, 1611.04076, 1705.02894, 1701.07875, 1807.00734)"},
    {"critic_steps", ZT_OPT_INT, AT(critic_steps), "1", 1, 100, NULL, 0,
     "steps of the critics for one of the generator, each on fresh clips"},
    {"critic_optimiser", ZT_OPT_ENUM, AT(critic_optimiser), "same", 0, 0, "same|" ZT_OPTIMISER_CHOICES, 0,
     "of the critics; same: train.optimiser"},
    {"critic_lr", ZT_OPT_REAL, AT(critic_lr), "0", 0, 1, NULL, 0, "of the critics, on the same schedule; 0: train.lr"},
    {"critic_beta1", ZT_OPT_REAL, AT(critic_beta1), "-1", -1, 0.9999, NULL, 0, "of the critics; -1: train.beta1"},
    {"critic_beta2", ZT_OPT_REAL, AT(critic_beta2), "-1", -1, 0.99999, NULL, 0, "of the critics; -1: train.beta2"},
    {"bound", ZT_OPT_ENUM, AT(bound), "none", 0, 0, "none|clip|svc", 0,
     "what holds the critics' weights: clip: each within bound_to; svc: singular values at most 1 and norms' gains at most the "
     "deviation they divide by (arXiv:1611.06624)"},
    {"bound_to", ZT_OPT_REAL, AT(bound_to), "0.01", 1e-6, 100, NULL, 0, "of clip: largest weight"},
    {"bound_every", ZT_OPT_INT, AT(bound_every), "5", 1, 10000, NULL, 0, "of svc: steps of the critics between two clippings"},
    {"penalty", ZT_OPT_ENUM, AT(penalty), "none", 0, 0, "none|gp|r1", 0,
     "on the critics' gradient by their input: gp: its length is drawn to 1 between real and made clips (arXiv:1704.00028); r1: "
     "to 0 on real clips (arXiv:1801.04406)"},
    {"penalty_weight", ZT_OPT_REAL, AT(penalty_weight), "10", 0, 1e6, NULL, 0,
     "times the mean square; of r1 half of it, as its paper's gamma"},
    {"penalty_every", ZT_OPT_INT, AT(penalty_every), "1", 1, 1000, NULL, 0,
     "steps of the critics between two with penalty, whose weight is as many times as large (arXiv:1912.04958)"},
    {"noise", ZT_OPT_REAL, AT(noise), "0", 0, 10, NULL, 0,
     "standard deviation of noise on all that critics see, pixels being -1..1 (arXiv:1610.04490)"},
    {"noise_part", ZT_OPT_REAL, AT(noise_part), "0", 0, 1, NULL, 0, "part of the steps in which noise falls to 0; 0: it stays"},
    {"augment_shift", ZT_OPT_BOOL, AT(augment_shift), "false", 0, 0, NULL, 0,
     "critics see clips shifted by up to an eighth, alike in all frames (this and the next: arXiv:2006.10738)"},
    {"augment_cutout", ZT_OPT_BOOL, AT(augment_cutout), "false", 0, 0, NULL, 0,
     "critics see clips without a square of half the side"},
    {"augment_colour", ZT_OPT_BOOL, AT(augment_colour), "false", 0, 0, NULL, 0,
     "critics see clips of other brightness, saturation and contrast"},
    {"sparse_frames", ZT_OPT_INT, AT(sparse_frames), "0", 0, 1024, NULL, 0,
     "frames of each clip, at random times, that a step makes and sees; for models of continuous time (arXiv:2112.14683); 0: "
     "all"},
    {"categories", ZT_OPT_ENUM, AT(categories), "none", 0, 0, "none|found|labelled", 0,
     "found: the generator's category is to be seen in its clips, whatever it comes to mean (arXiv:1606.03657); labelled: it is "
     "the clip's label"},
    {"classes", ZT_OPT_INT, AT(classes), "6", 2, 64, NULL, 0, "of found: how many"},
    {"label", ZT_OPT_STR, AT(label), "", 0, 0, NULL, 0, "of labelled: which label of the clips (zoe data show prints them)"},
    {"category_weight", ZT_OPT_REAL, AT(category_weight), "1", 0, 1000, NULL, 0, "of the cross-entropy of categories"},
    {"monitor_clips", ZT_OPT_INT, AT(monitor_clips), "256", 16, 10000, NULL, 0,
     "clips made at each validation for the Frechet distance and the watch for mode collapse"},
    {"stop_on_collapse", ZT_OPT_BOOL, AT(stop_on_collapse), "false", 0, 0, NULL, 0,
     "mode collapse, found at a validation, ends the run"},
    {"critic_limit", ZT_OPT_INT, AT(critic_limit), "500", 0, 1e9, NULL, 0,
     "steps in a row in which critics tell all clips apart, after which the run ends: nothing more is learned; 0: never (and "
     "never with wgan)"},
};
#undef AT
const zt_opts zt_gan_opts = {options, sizeof options / sizeof *options};

zt_err zt_gan_cfg_check(const zt_gan_cfg *c) {
    if (c->categories == ZT_GAN_LABELLED && !*c->label)
        return zt_fail(ZT_CONFIG, "gan.categories=labelled: gan.label is not set; name a label of the clips, such as direction");
    if (c->loss == ZT_GAN_WGAN && c->bound == ZT_GAN_UNBOUND && c->penalty == ZT_GAN_NO_PENALTY)
        return zt_fail(ZT_CONFIG, "gan.loss=wgan: critics must be held; set gan.bound=svc or clip, or gan.penalty=gp");
    return ZT_OK;
}
