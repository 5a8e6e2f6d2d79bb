/* eigen.h - eigenvalues of small symmetric matrices. */
#ifndef ZT_BASE_EIGEN_H
#define ZT_BASE_EIGEN_H

/** a [n,n] symmetric, destroyed: value[n] its eigenvalues (in no order), vector [n,n]: row k is the unit vector of value[k];
 *  NULL: not wanted. Cyclic Jacobi rotations (Golub & Van Loan 1996, 8.4): n^3 times a few; exact to about 1e-14 of the largest
 *  value.
 *  Numbers must be finite. Any thread. */
void zt_eigen_symmetric(double *a, int n, double *value, double *vector);
#endif
