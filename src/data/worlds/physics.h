/* physics.h - the laws of the world "physics": discs in a box, without drag or friction. Free flight and contacts are solved
 * exactly (parabolas, quadratic equations); only the pendulum is integrated. Tested by tests/data/test_data_worlds.c. */
#ifndef ZT_DATA_PHYSICS_H
#define ZT_DATA_PHYSICS_H
#include <stdbool.h>

enum { ZT_BALLS = 2 };

/** A disc. Lengths in box sides, from the top left corner, y down; seconds. */
typedef struct zt_ball {
    double x, y, vx, vy;
    double angle; /* turned so far, radians; only a rolling ball turns */
    double radius, mass;
    bool rests; /* on the floor: no more falling */
} zt_ball;

typedef enum zt_motion { ZT_MOTION_FREE, ZT_MOTION_PENDULUM, ZT_MOTION_SLOPE } zt_motion;

typedef struct zt_physics {
    zt_motion motion;
    int n;
    zt_ball ball[ZT_BALLS];
    double g;           /* downwards, box sides/s^2 */
    double restitution; /* of all contacts: speed apart over speed together, 0..1 */
    double floor;       /* y of the floor; the other walls are 0, 1 and 0 */
    /* Pendulum: ball 0 on a massless rod. */
    double pivot_x, pivot_y, length, swing, rate; /* angle from straight down, radians, and its rate */
    /* Slope: ball 0 rolls without slipping (moment of inertia m r^2 / 2) along (cosine, sine), sine > 0, down to the point
     * (foot_x, foot_y) where the box's wall stands; cosine < 0: down to the left. */
    double foot_x, foot_y, sine, cosine;
    double way, speed; /* centre's distance from the foot along the slope, and its rate (negative: downwards) */
} zt_physics;

/** Let dt >= 0 seconds pass. Collisions happen at their exact times; a rebound slower than 0.02 sides/s ends in rest. */
void zt_physics_step(zt_physics *p, double dt);
/** Place and velocity of the balls from the pendulum's or slope's coordinates; zt_physics_step keeps them so. */
void zt_physics_place(zt_physics *p);
/** Kinetic and potential energy together, from the floor. */
double zt_physics_energy(const zt_physics *p);
#endif
