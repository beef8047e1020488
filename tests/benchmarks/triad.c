/* STREAM's triad, a = b + q c, in f32: what a C compiler makes of it. */
#include <stdlib.h>

/* An array of n floats on a page of its own, first touched by the threads that will use it. */
float *array(long n, float value) {
    float *a = aligned_alloc(4096, (n * sizeof(float) + 4095) / 4096 * 4096);
    if (a == NULL)
        return NULL;
#pragma omp parallel for
    for (long i = 0; i < n; i++)
        a[i] = value;
    return a;
}

void triad(float *restrict a, const float *restrict b, const float *restrict c, float q, long n) {
#pragma omp parallel for
    for (long i = 0; i < n; i++)
        a[i] = b[i] + q * c[i];
}
