//! Functions over slices that the compiler vectorises for the processor at hand.

/// Defines a function whose body is compiled for several instruction sets (AVX-512, AVX2 with FMA, or
/// what the target has), the best of which is chosen when it is called. Lifetimes of references have to
/// be named.
macro_rules! simd {
    ($(#[$attr:meta])* $vis:vis fn $name:ident<$life:lifetime>($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block) => {
        $(#[$attr])*
        $vis fn $name<$life>($($arg: $ty),*) $(-> $ret)? {
            struct Body<$life> {
                life: std::marker::PhantomData<&$life ()>,
                $($arg: $ty),*
            }
            impl<$life> pulp::WithSimd for Body<$life> {
                type Output = simd!(@ret $($ret)?);

                #[inline(always)]
                fn with_simd<S: pulp::Simd>(self, _: S) -> Self::Output {
                    let Self { life: _, $($arg),* } = self;
                    $body
                }
            }
            pulp::Arch::new().dispatch(Body { life: std::marker::PhantomData, $($arg),* })
        }
    };
    (@ret) => { () };
    (@ret $ret:ty) => { $ret };
}
pub(crate) use simd;

/// Lanes of the partial sums of reductions: fixed, so that sums do not depend on the processor.
pub(crate) const LANES: usize = 16;

/// The sum of `f(a, b)` over pairs of elements, in [`LANES`] partial sums.
#[inline(always)]
pub(crate) fn sum_pairs(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            lanes[lane] += f(a[lane], b[lane]);
        }
    }
    for ((sum, a), b) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += f(*a, *b);
    }
    fold(lanes, |a, b| a + b)
}

/// The sum of `f(a)` over elements, in [`LANES`] partial sums.
#[inline(always)]
pub(crate) fn sum_by(a: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    sum_pairs(a, a, |a, _| f(a))
}

/// The greatest element; negative infinity of none.
#[inline(always)]
pub(crate) fn max(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] = if chunk[lane] > lanes[lane] { chunk[lane] } else { lanes[lane] };
        }
    }
    for (max, &v) in lanes.iter_mut().zip(rest) {
        *max = if v > *max { v } else { *max };
    }
    fold(lanes, f32::max)
}

#[inline(always)]
fn fold(mut lanes: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] = f(lanes[i], lanes[i + width]);
        }
        width /= 2;
    }
    lanes[0]
}
