/* physics_laws.c - see physics.h. */
#include "data/worlds/physics.h"

#include "data/worlds/vec.h"

static const double REST_SPEED = 0.02, NEVER = 1e30;
enum { CONTACTS_MAX = 256, PENDULUM_STEPS = 32 }; /* at most so many contacts in a step */

/* What is hit next: a wall (axis and side) by ball a, or ball b by ball a (b > 0). */
typedef struct contact {
    double t;
    int a, b, axis;
    double wall;
} contact;

static double fall(const zt_physics *p, const zt_ball *b) { return b->rests ? 0 : p->g; }

/* First t > 0 at which c + v t + a t^2 / 2 = 0 while it shrinks (c >= 0); NEVER if there is none. */
static double time_to_zero(double c, double v, double a) {
    if (c <= 0) return v < 0 || (v == 0 && a < 0) ? 0 : a < 0 ? -2 * v / a : NEVER;
    if (a == 0) return v < 0 ? -c / v : NEVER;
    const double d = v * v - 2 * a * c;
    if (d < 0) return NEVER;
    const double root = sqrt(d);
    if (a < 0) return v > 0 ? -(v + root) / a : 2 * c / (root - v);
    return v < 0 ? 2 * c / (root - v) : NEVER;
}

static void wall_contact(const zt_physics *p, int i, contact *next) {
    const zt_ball *b = &p->ball[i];
    const double g = fall(p, b);
    const contact wall[4] = {
        {time_to_zero(b->x - b->radius, b->vx, 0), i, 0, 0, b->radius},
        {time_to_zero(1 - b->radius - b->x, -b->vx, 0), i, 0, 0, 1 - b->radius},
        {time_to_zero(b->y - b->radius, b->vy, g), i, 0, 1, b->radius},
        {b->rests ? NEVER : time_to_zero(p->floor - b->radius - b->y, -b->vy, -g), i, 0, 1, p->floor - b->radius},
    };
    for (int k = 0; k < 4; k++)
        if (wall[k].t < next->t) *next = wall[k];
}

/* Two flying balls fall alike: their distance is |d + v t|, and touching is a quadratic equation. A resting one does not fall;
 * then short halvings find the time. */
static void ball_contact(const zt_physics *p, contact *next) {
    const zt_ball *a = &p->ball[0], *b = &p->ball[1];
    const double r = a->radius + b->radius, g = (fall(p, b) - fall(p, a)) / 2;
    const double dx = b->x - a->x, dy = b->y - a->y, vx = b->vx - a->vx, vy = b->vy - a->vy;
    if (g == 0) {
        const double vv = vx * vx + vy * vy, dv = dx * vx + dy * vy, c = dx * dx + dy * dy - r * r, d = dv * dv - vv * c;
        if (dv > -1e-12 || d < 0) return; /* moving apart, or passing by */
        const double t = c <= 0 ? 0 : c / (sqrt(d) - dv);
        if (t < next->t) *next = (contact){t, 0, 1, 0, 0};
        return;
    }
    const double most = next->t < 1 ? next->t : 1;
    enum { LOOKS = 64 };
    for (int k = 1; k <= LOOKS; k++) {
        double lo = most * (k - 1) / LOOKS, hi = most * k / LOOKS;
#define GAP(t) (sqrt((dx + vx * (t)) * (dx + vx * (t)) + (dy + vy * (t) + g * (t) * (t)) * (dy + vy * (t) + g * (t) * (t))) - r)
        if (GAP(hi) >= 0 || GAP(lo) < 0) continue;
        for (int i = 0; i < 50; i++) {
            const double mid = (lo + hi) / 2;
            if (GAP(mid) >= 0)
                lo = mid;
            else
                hi = mid;
        }
#undef GAP
        if (lo < next->t) *next = (contact){lo, 0, 1, 0, 0};
        return;
    }
}

static void fly(zt_physics *p, double t) {
    for (int i = 0; i < p->n; i++) {
        zt_ball *b = &p->ball[i];
        const double g = fall(p, b);
        b->x += b->vx * t;
        b->y += b->vy * t + g * t * t / 2;
        b->vy += g * t;
    }
}

static void hit_wall(zt_physics *p, const contact *c) {
    zt_ball *b = &p->ball[c->a];
    double *v = c->axis ? &b->vy : &b->vx;
    const bool on_floor = c->axis && c->wall > 0.5;
    *(c->axis ? &b->y : &b->x) = c->wall;
    *v = -*v * p->restitution;
    if (on_floor && -*v < REST_SPEED) {
        *v = 0;
        b->rests = true;
    }
}

/* Newton's law of impact along the line of centres; momentum is kept. */
static void hit_ball(zt_physics *p) {
    zt_ball *a = &p->ball[0], *b = &p->ball[1];
    const double dx = b->x - a->x, dy = b->y - a->y, d = sqrt(dx * dx + dy * dy), nx = d > 0 ? dx / d : 1,
                 ny = d > 0 ? dy / d : 0;
    const double together = (a->vx - b->vx) * nx + (a->vy - b->vy) * ny;
    const double push = together > 0 ? (1 + p->restitution) * together * a->mass * b->mass / (a->mass + b->mass) : 0;
    a->vx -= push / a->mass * nx;
    a->vy -= push / a->mass * ny;
    b->vx += push / b->mass * nx;
    b->vy += push / b->mass * ny;
    a->rests = b->rests = false; /* the floor pushes back if it must */
}

static void step_free(zt_physics *p, double dt) {
    for (int k = 0; k < CONTACTS_MAX && dt > 0; k++) {
        contact next = {.t = NEVER};
        for (int i = 0; i < p->n; i++) wall_contact(p, i, &next);
        if (p->n == 2) ball_contact(p, &next);
        const double t = next.t < dt ? next.t : dt;
        fly(p, t);
        dt -= t;
        if (next.t > t) break;
        if (next.b)
            hit_ball(p);
        else
            hit_wall(p, &next);
    }
}

/* Runge and Kutta's fourth order on swing'' = -(g / length) sin(swing). */
static void step_pendulum(zt_physics *p, double dt) {
    const double h = dt / PENDULUM_STEPS, k = -p->g / p->length;
    for (int i = 0; i < PENDULUM_STEPS; i++) {
        const double a1 = p->rate, b1 = k * zt_sin(p->swing), a2 = p->rate + h / 2 * b1, b2 = k * zt_sin(p->swing + h / 2 * a1);
        const double a3 = p->rate + h / 2 * b2, b3 = k * zt_sin(p->swing + h / 2 * a2);
        const double a4 = p->rate + h * b3, b4 = k * zt_sin(p->swing + h * a3);
        p->swing += h / 6 * (a1 + 2 * a2 + 2 * a3 + a4);
        p->rate += h / 6 * (b1 + 2 * b2 + 2 * b3 + b4);
    }
}

/* A rolling disc: two thirds of its pull go into falling, the rest into turning. */
static void step_slope(zt_physics *p, double dt) {
    const double pull = -p->g * p->sine * 2 / 3, steep = p->cosine < 0 ? -p->cosine : p->cosine;
    const double reach = p->ball[0].radius * (1 + p->sine) / steep; /* where the ball touches slope and wall */
    for (int k = 0; k < CONTACTS_MAX && dt > 0; k++) {
        const double hit = p->ball[0].rests ? NEVER : time_to_zero(p->way - reach, p->speed, pull), t = hit < dt ? hit : dt;
        if (!p->ball[0].rests) {
            p->way += p->speed * t + pull * t * t / 2;
            p->speed += pull * t;
        }
        dt -= t;
        if (hit > t) break;
        p->way = reach;
        p->speed = -p->speed * p->restitution;
        if (p->speed < REST_SPEED) {
            p->speed = 0;
            p->ball[0].rests = true;
        }
    }
}

void zt_physics_place(zt_physics *p) {
    zt_ball *b = &p->ball[0];
    if (p->motion == ZT_MOTION_PENDULUM) {
        const double s = zt_sin(p->swing), c = zt_cos(p->swing);
        *b = (zt_ball){p->pivot_x + p->length * s,
                       p->pivot_y + p->length * c,
                       p->length * p->rate * c,
                       -p->length * p->rate * s,
                       -p->swing,
                       b->radius,
                       b->mass,
                       false};
    } else if (p->motion == ZT_MOTION_SLOPE) {
        const double right = p->cosine < 0 ? -1 : 1;
        b->x = p->foot_x - p->way * p->cosine + right * b->radius * p->sine;
        b->y = p->foot_y - p->way * p->sine - right * b->radius * p->cosine;
        b->vx = -p->speed * p->cosine;
        b->vy = -p->speed * p->sine;
        b->angle = -right * p->way / b->radius;
    }
}

void zt_physics_step(zt_physics *p, double dt) {
    if (p->motion == ZT_MOTION_FREE)
        step_free(p, dt);
    else if (p->motion == ZT_MOTION_PENDULUM)
        step_pendulum(p, dt);
    else
        step_slope(p, dt);
    zt_physics_place(p);
}

double zt_physics_energy(const zt_physics *p) {
    double e = 0;
    for (int i = 0; i < p->n; i++) {
        const zt_ball *b = &p->ball[i];
        const double moving = b->mass * (b->vx * b->vx + b->vy * b->vy) / 2;
        e += (p->motion == ZT_MOTION_SLOPE ? 1.5 : 1) * moving + b->mass * p->g * (p->floor - b->radius - b->y);
    }
    return e;
}
