/* muon.h - the numbers of Muon's Newton-Schulz steps (Jordan et al. 2024): x -> A x + B x^3 + C x^5 takes (0,1] to about 1. */
#ifndef ZT_OPS_MUON_H
#define ZT_OPS_MUON_H
enum { ZT_MUON_STEPS = 5 };
#define ZT_MUON_A 3.4445
#define ZT_MUON_B (-4.7750)
#define ZT_MUON_C 2.0315
#endif
